"""Every row through every executor, against what TensorFlow gave (`make_golden.py`)."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import errors, ops
from ops import harness
from ops.rows import Row
from support.arrays import unpack

HERE = Path(__file__).parent
FAMILIES = sorted(p.stem for p in (HERE / "cases").glob("[a-z]*.py"))
ROWS = [(family, row) for family in FAMILIES for row in importlib.import_module(f"ops.cases.{family}").ROWS]
VALUES = [pytest.param(f, r, id=r.id) for f, r in ROWS if not r.error]
ERRORS = [pytest.param(f, r, id=r.id) for f, r in ROWS if r.error]


@cache
def golden(family: str) -> dict[str, Any]:
    with np.load(HERE / "golden" / f"{family}.npz") as archive:
        return dict(archive)


def expected(family: str, row: Row, count: int) -> list[np.ndarray]:
    archive = golden(family)
    assert f"{row.id}|error" not in archive, f"TensorFlow raises {archive[f'{row.id}|error']} here"
    return [unpack(archive, f"{row.id}|out|{k}") for k in range(count)]


@pytest.mark.parametrize(("family", "row"), VALUES)
def test_values(family: str, row: Row) -> None:
    got = harness.eager(row)
    for k, (one, want) in enumerate(zip(got, expected(family, row, len(got)), strict=True)):
        harness.check(one, want, row, f"eager, output {k}")
    for how in ("reference", "plan", "optimized", "backend"):
        for static in (True, False):
            again = harness.executed(row, static, how)
            for k, (one, want) in enumerate(zip(again, expected(family, row, len(got)), strict=True)):
                harness.check(one, want, row, f"{how}, static shapes {static}, output {k}")


@pytest.mark.parametrize(("family", "row"), VALUES)
def test_shape_rule(family: str, row: Row) -> None:
    if ops.require(row.op).shape_rule is None:
        pytest.skip("no shape rule")
    got = harness.eager(row)
    for inferred in harness.inferred(row):
        assert len(inferred) == len(got)
        for k, (shape, array) in enumerate(zip(inferred, got, strict=True)):
            if shape is not None and hasattr(array, "shape"):
                assert len(shape) == array.ndim, f"output {k}: inferred {shape}, is {array.shape}"
                same = all(d is None or d == n for d, n in zip(shape, array.shape, strict=True))
                assert same, f"output {k}: inferred {shape}, is {array.shape}"


@pytest.mark.parametrize(("family", "row"), ERRORS)
def test_errors(family: str, row: Row) -> None:
    assert f"{row.id}|error" in golden(family), "TensorFlow raises nothing here"
    with pytest.raises(getattr(errors, row.error)) as info:
        harness.eager(row)
    assert row.op in str(info.value)


GRADIENTS = [pytest.param(f, r, id=r.id) for f, r in ROWS if not r.error and r.grad and r.dtype == "float64"]


@pytest.mark.parametrize(("family", "row"), GRADIENTS)
def test_gradient(family: str, row: Row) -> None:
    op = ops.require(row.op)
    archive = golden(family)
    wanted = [k for k in archive if k.startswith(f"{row.id}|grad|")]
    if not wanted:
        pytest.skip("TensorFlow has no gradient here")
    assert op.differentiable, "TensorFlow has a gradient, the op says there is none"
    got = harness.gradients(row)
    assert got is not None, "TensorFlow has a gradient, the op has no rule"
    for key in wanted:
        k = int(key.rpartition("|")[2])
        assert got[k] is not None, f"no gradient for input {k}"
        harness.check(got[k], archive[key], row, f"gradient of input {k}")


# Ops that one row cannot show, for they need resources, functions or files, and the test that shows them.
ELSEWHERE = {
    "test_calls.py": "PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While StatelessWhile "
    "Const Placeholder PrintV2 Print GuaranteeConst FakeParam TRTEngineOp BoostedTreesBucketize",
    "test_batching.py": "BatchFunction",
    "test_decompose.py": "AccumulateNV2",
    "test_files.py": "SaveV2 RestoreV2 MergeV2Checkpoints ReadFile",
    "test_python_calls.py": "EagerPyFunc PyFunc PyFuncStateless",
    "../tracer/test_gpu_only.py": "CudnnRNN",
    "test_random.py": "RngReadAndSkip RngSkip StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform "
    "StatefulUniformFullInt StatefulUniformInt",
    "test_sparse_ragged.py": "NormalizeUTF8 CaseFoldUTF8",
    "../kernels/test_attention.py": "_Attention",
    "../kernels/test_kernels.py": "_Group _Part _FusedMatMul _Gelu _LayerNorm",
    "../kernels/test_images.py": "_FusedConv2D _FusedDepthwiseConv2dNative _ExplicitDepthwise "
    "_WinogradConv2D _WinogradFilter",
    "../kernels/test_recurrent.py": "_Gru _Lstm _Scan",
    "../kernels/test_row_products.py": "_Columns _RowProduct",
    "programs/lists.py": "EmptyTensorList TensorListReserve TensorListFromTensor TensorListLength "
    "TensorListElementShape TensorListGetItem TensorListSetItem TensorListPushBack TensorListPopBack TensorListResize "
    "TensorListStack TensorListGather TensorListConcat TensorListConcatV2 TensorListSplit TensorListScatter "
    "TensorListScatterV2 TensorListScatterIntoExistingList TensorListConcatLists TensorListPushBackBatch",
    "programs/arrays.py": "TensorArrayV3 TensorArrayWriteV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArrayGatherV3 "
    "TensorArraySplitV3 TensorArrayConcatV3 TensorArraySizeV3 TensorArrayGradV3 TensorArrayGradWithShape "
    "TensorArrayCloseV3 TensorArrayV2 TensorArrayWriteV2 TensorArrayReadV2 TensorArrayScatterV2 TensorArrayGatherV2 "
    "TensorArraySplitV2 TensorArrayConcatV2 TensorArraySizeV2 TensorArrayGradV2 TensorArrayCloseV2",
    "programs/tables.py": "HashTableV2 AnonymousHashTable MutableHashTableV2 AnonymousMutableHashTable "
    "MutableHashTableOfTensorsV2 AnonymousMutableHashTableOfTensors MutableDenseHashTableV2 "
    "AnonymousMutableDenseHashTable InitializeTableV2 InitializeTableFromTextFileV2 LookupTableFindV2 "
    "LookupTableSizeV2 LookupTableInsertV2 LookupTableRemoveV2 LookupTableExportV2 LookupTableImportV2",
    "programs/ragged.py": "RaggedTensorToVariant RaggedTensorFromVariant",
    "programs/datasets.py": "TensorDataset TensorSliceDataset RangeDataset RepeatDataset TakeDataset SkipDataset "
    "BatchDatasetV2 PaddedBatchDatasetV2 PrefetchDataset ModelDataset OptimizeDataset "
    "OptionsDataset CacheDataset ConcatenateDataset ZipDataset ShuffleDataset Iterator IteratorV2 MakeIterator "
    "IteratorGetNext IteratorGetNextSync IteratorGetNextAsOptional IteratorToStringHandle IteratorFromStringHandle "
    "IteratorFromStringHandleV2",
    "test_datasets.py": "BatchDataset PaddedBatchDataset MapDataset ParallelMapDataset ParallelMapDatasetV2 FilterDataset FlatMapDataset OneShotIterator",
    "../summary/test_event_files.py": "SummaryWriter CreateSummaryFileWriter FlushSummaryWriter CloseSummaryWriter "
    "WriteSummary WriteGraphSummary WriteRawProtoSummary",
    "programs/quantized.py": "Dequantize",
    "programs/training.py": "ResourceApplyGradientDescent ResourceApplyProximalGradientDescent ResourceApplyMomentum "
    "ResourceApplyKerasMomentum ResourceApplyAdagrad ResourceApplyAdagradV2 ResourceApplyAdagradDA "
    "ResourceApplyProximalAdagrad ResourceApplyAdadelta ResourceApplyAdam ResourceApplyAdamWithAmsgrad "
    "ResourceApplyAdaMax ResourceApplyRMSProp ResourceApplyCenteredRMSProp ResourceApplyFtrl "
    "ResourceApplyFtrlV2 ResourceApplyAddSign ResourceApplyPowerSign "
    "ResourceSparseApplyProximalGradientDescent ResourceSparseApplyMomentum "
    "ResourceSparseApplyKerasMomentum ResourceSparseApplyAdagrad ResourceSparseApplyAdagradV2 "
    "ResourceSparseApplyAdagradDA ResourceSparseApplyProximalAdagrad ResourceSparseApplyAdadelta "
    "ResourceSparseApplyRMSProp ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl "
    "ResourceSparseApplyFtrlV2 StackV2 StackPushV2 StackPopV2 StackCloseV2 OptionalFromValue OptionalNone "
    "OptionalHasValue OptionalGetValue",
    "test_state.py": "ResourceCountUpTo VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp "
    "VarIsInitializedOp VariableShape DestroyResourceOp DisableCopyOnRead ResourceGather ResourceGatherNd "
    "ResourceScatterUpdate ResourceScatterAdd ResourceScatterSub ResourceScatterMul ResourceScatterDiv "
    "ResourceScatterMin ResourceScatterMax ResourceScatterNdUpdate ResourceScatterNdAdd ResourceScatterNdSub",
}


def test_every_op_has_a_row() -> None:
    covered = {row.op for _, row in ROWS}.union(*(names.split() for names in ELSEWHERE.values()))
    # Ops without a kernel are rewritten before a graph runs: tests/saved_model/test_tf1.py, tests/passes.
    runnable = {name for name, one in ops.load_all().items() if one.kernel is not None}
    missing = sorted(runnable - covered)
    assert not missing, f"add a row to tests/ops/cases for: {', '.join(missing)}"


@pytest.mark.parametrize("file", ELSEWHERE)
def test_ops_without_a_row_are_tested(file: str) -> None:
    text = (HERE / file).read_text()
    words = set(re.findall(r"\w+", text))
    assert [name for name in ELSEWHERE[file].split() if name not in words] == []
