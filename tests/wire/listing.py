"""A schema as text: one line a field, with everything that decides how it is on the wire."""

from google.protobuf import descriptor_pb2

Field = descriptor_pb2.FieldDescriptorProto
NEVER_PACKED = {Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_MESSAGE, Field.TYPE_GROUP}


def listing(files):
    """{full name: lines} of every message, enum and service in FileDescriptorProtos."""
    out = {}
    for file in files:
        for message in file.message_type:
            _message(message, f"{file.package}.{message.name}", file.syntax == "proto3", out)
        for enum in file.enum_type:
            _enum(enum, f"{file.package}.{enum.name}", out)
        for service in file.service:
            out[f"{file.package}.{service.name}"] = [
                f"  {method.name}({method.input_type[1:]}) -> {method.output_type[1:]}"
                for method in service.method
            ]
    return out


def _message(message, name, proto3, out):
    maps = {f".{name}.{n.name}": n for n in message.nested_type if n.options.map_entry}
    lines = []
    for field in sorted(message.field, key=lambda f: f.number):
        kind, tail = _type(field), ""
        if field.type_name in maps:
            key, value = sorted(maps[field.type_name].field, key=lambda f: f.number)
            kind = f"map<{_type(key)}, {_type(value)}>"
        elif field.label == Field.LABEL_REPEATED:
            packed = field.options.packed if field.options.HasField("packed") else proto3
            tail = " packed" if packed and field.type not in NEVER_PACKED else ""
            kind = "repeated " + kind
        elif field.proto3_optional or (not proto3 and not field.HasField("oneof_index")):
            tail = " optional"
        elif field.HasField("oneof_index"):
            tail = f" oneof {message.oneof_decl[field.oneof_index].name}"
        lines.append(f"  {field.name} = {field.number} {kind}{tail}")
    out[name] = lines
    for nested in message.nested_type:
        if not nested.options.map_entry:
            _message(nested, f"{name}.{nested.name}", proto3, out)
    for enum in message.enum_type:
        _enum(enum, f"{name}.{enum.name}", out)


def _enum(enum, name, out):
    out[name] = [f"  {value.name} = {value.number}" for value in sorted(enum.value, key=lambda v: v.number)]


def _type(field):
    return field.type_name[1:] or Field.Type.Name(field.type)[5:].lower()
