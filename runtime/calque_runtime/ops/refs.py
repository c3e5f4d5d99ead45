"""Ops of TF1 graphs that others have replaced: references to variables, tables behind string handles, Switch and Merge.

They are declared, so that graphs with them can be read, shown and written again, but have no kernels: before such a
graph runs, references become resources (`passes.references`), and Switch, Merge and loops become If and While
(`passes.raise_control_flow`).
"""

from __future__ import annotations

from ..op import Op, register

__all__ = ["CONTROL_FLOW", "RESOURCE_FORM"]

# From each op on references to the op on resources that does the same.
RESOURCE_FORM = {
    "Variable": "VarHandleOp",
    "VariableV2": "VarHandleOp",
    "IsVariableInitialized": "VarIsInitializedOp",
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
    "CountUpTo": "ResourceCountUpTo",
    "RefIdentity": "Identity",
    "RefSwitch": "Switch",
    "RefMerge": "Merge",
    "RefEnter": "Enter",
    "RefExit": "Exit",
    "RefNextIteration": "NextIteration",
}

# Those that are raised to If and While.
CONTROL_FLOW = frozenset({"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"})


def _declare(declaration: str, doc: str) -> Op:
    return register(Op(declaration, None, doc))


_NAMED = "container: string=''; shared_name: string=''"
_VARIABLE = f"() -> (ref: Ref(dtype)) | shape: shape; dtype: type; {_NAMED} | stateful"
_LOCKING = "use_locking: bool"

variable: Op = _declare(f"Variable{_VARIABLE}", "A reference to a variable.")
variable_v2: Op = _declare(f"VariableV2{_VARIABLE}", "A reference to a variable.")
is_variable_initialized: Op = _declare(
    "IsVariableInitialized(ref: Ref(dtype)) -> (is_initialized: bool) | dtype: type",
    "Has the variable a value?",
)
assign: Op = _declare(
    "Assign(ref: Ref(T), value: T) -> (output_ref: Ref(T)) | T: type; validate_shape: bool=true; "
    f"{_LOCKING}=true",
    "Replace the value.",
)
count_up_to: Op = _declare(
    "CountUpTo(ref: Ref(T)) -> (output: T) | limit: int; T: type in index",
    "The value, which then grows by one.",
)

for _name, _doc in (("AssignAdd", "Add to the value."), ("AssignSub", "Subtract from the value.")):
    _declare(
        f"{_name}(ref: Ref(T), value: T) -> (output_ref: Ref(T)) | T: type in numeric; {_LOCKING}=false", _doc
    )

for _kind, _doc in (
    ("Update", "Replace"),
    ("Add", "Add to"),
    ("Sub", "Subtract from"),
    ("Mul", "Multiply"),
    ("Div", "Divide"),
    ("Min", "Take the smaller of update and"),
    ("Max", "Take the larger of update and"),
):
    _types = "" if _kind == "Update" else " in numeric"
    _ordered = " in floats int32 int64" if _kind in ("Min", "Max") else _types
    _declare(
        f"Scatter{_kind}(ref: Ref(T), indices: Tindices, updates: T) -> (output_ref: Ref(T)) | T: type{_ordered}; "
        f"Tindices: type in index; {_LOCKING}={'true' if _kind == 'Update' else 'false'}",
        f"{_doc} the rows of a variable.",
    )
    RESOURCE_FORM[f"Scatter{_kind}"] = f"ResourceScatter{_kind}"
    if _kind in ("Mul", "Div"):
        continue
    _declare(
        f"ScatterNd{_kind}(ref: Ref(T), indices: Tindices, updates: T) -> (output_ref: Ref(T)) | T: type{_types}; "
        f"Tindices: type in index; {_LOCKING}={'true' if _kind == 'Update' else 'false'}; "
        "bad_indices_policy: string=''",
        f"{_doc} the slices of a variable.",
    )
    RESOURCE_FORM[f"ScatterNd{_kind}"] = f"ResourceScatterNd{_kind}"

# Tables. Those on resources have a 2 more at the end.

_SHARED = f"{_NAMED}; use_node_name_sharing: bool=false; key_dtype: type; value_dtype: type"
for _declaration, _doc in (
    (f"HashTable() -> (table_handle: Ref(string)) | {_SHARED} | stateful", "A table that is filled once."),
    (f"MutableHashTable() -> (table_handle: Ref(string)) | {_SHARED} | stateful", "A table that can change."),
    (
        f"MutableHashTableOfTensors() -> (table_handle: Ref(string)) | {_SHARED}; value_shape: shape=[] | stateful",
        "A table of tensors that can change.",
    ),
    (
        f"MutableDenseHashTable(empty_key: key_dtype) -> (table_handle: Ref(string)) | {_SHARED}; "
        "value_shape: shape=[]; initial_num_buckets: int=131072; max_load_factor: float=0.800000011920929 | stateful",
        "A table with open addressing.",
    ),
    (
        "InitializeTable(table_handle: Ref(string), keys: Tkey, values: Tval) -> () | Tkey: type; Tval: type",
        "Fill a table.",
    ),
    (
        "InitializeTableFromTextFile(table_handle: Ref(string), filename: string) -> () | key_index: int >=-2; "
        r"value_index: int >=-2; vocab_size: int=-1 >=-1; delimiter: string='\t'; offset: int=0",
        "Fill a table from the lines of a file.",
    ),
    (
        "LookupTableExport(table_handle: Ref(string)) -> (keys: Tkeys, values: Tvalues) | Tkeys: type; Tvalues: type",
        "All that is in a table.",
    ),
    (
        "LookupTableFind(table_handle: Ref(string), keys: Tin, default_value: Tout) -> (values: Tout) | Tin: type; "
        "Tout: type",
        "Look keys up.",
    ),
    (
        "LookupTableImport(table_handle: Ref(string), keys: Tin, values: Tout) -> () | Tin: type; Tout: type",
        "Replace all that is in a table.",
    ),
    (
        "LookupTableInsert(table_handle: Ref(string), keys: Tin, values: Tout) -> () | Tin: type; Tout: type",
        "Put keys and values into a table.",
    ),
    ("LookupTableSize(table_handle: Ref(string)) -> (size: int64)", "How many keys are in a table?"),
):
    _table_op = _declare(_declaration, _doc)
    RESOURCE_FORM[_table_op.name] = f"{_table_op.name}V2"

# Control flow.

switch: Op = _declare(
    "Switch(data: T, pred: bool) -> (output_false: T, output_true: T) | T: type",
    "Data to the one output or the other; what needs the other does not run.",
)
merge: Op = _declare(
    "Merge(inputs: N*T) -> (output: T, value_index: int32) | T: type; N: int >=1",
    "The input that is there, of those of which one is.",
)
_FRAME = "T: type; frame_name: string; is_constant: bool=false; parallel_iterations: int=10"
enter: Op = _declare(f"Enter(data: T) -> (output: T) | {_FRAME}", "Data into a loop.")
exit_: Op = _declare("Exit(data: T) -> (output: T) | T: type", "Data out of a loop.")
next_iteration: Op = _declare(
    "NextIteration(data: T) -> (output: T) | T: type", "Data to the next turn of a loop."
)
loop_cond: Op = _declare("LoopCond(input: bool) -> (output: bool)", "Does the loop go on?")
ref_identity: Op = _declare(
    "RefIdentity(input: Ref(T)) -> (output: Ref(T)) | T: type", "The reference itself."
)
ref_switch: Op = _declare(
    "RefSwitch(data: Ref(T), pred: bool) -> (output_false: Ref(T), output_true: Ref(T)) | T: type",
    "Switch of a reference.",
)
ref_merge: Op = _declare(
    "RefMerge(inputs: Ref(N*T)) -> (output: Ref(T), value_index: int32) | T: type; N: int >=1",
    "Merge of references.",
)
ref_enter: Op = _declare(f"RefEnter(data: Ref(T)) -> (output: Ref(T)) | {_FRAME}", "Enter of a reference.")
ref_exit: Op = _declare("RefExit(data: Ref(T)) -> (output: Ref(T)) | T: type", "Exit of a reference.")
ref_next_iteration: Op = _declare(
    "RefNextIteration(data: Ref(T)) -> (output: Ref(T)) | T: type", "NextIteration of a reference."
)
