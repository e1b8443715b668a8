"""The few messages of Perfetto's trace format that are written here, as protobuf classes.

Source of names, numbers and types: protos/perfetto/trace/perfetto_trace.proto of Perfetto 59 (Apache-2.0). A file of
them is one Trace, and files may be appended to each other, so that a trace is written piece by piece.
"""

from functools import cache

from eventsim.extras import need

__all__ = ["COUNTER", "INSTANT", "messages"]

_PACKAGE = "eventsim.perfetto"

#: TrackEvent.Type
INSTANT, COUNTER = 3, 4

#: Message -> field -> (number, type as protobuf calls it, or a message of this table; "*" marks a repeated one).
_FIELDS = {
    "Trace": {"packet": (1, "TracePacket*")},
    "TracePacket": {
        "timestamp": (8, "uint64"), "trusted_packet_sequence_id": (10, "uint32"), "track_event": (11, "TrackEvent"),
        "track_descriptor": (60, "TrackDescriptor"),
    },
    "TrackDescriptor": {
        "uuid": (1, "uint64"), "name": (2, "string"), "parent_uuid": (5, "uint64"), "counter": (8, "CounterDescriptor"),
    },
    "CounterDescriptor": {"unit_name": (6, "string")},
    "TrackEvent": {
        "debug_annotations": (4, "DebugAnnotation*"), "type": (9, "uint32"), "track_uuid": (11, "uint64"),
        "name": (23, "string"), "counter_value": (30, "int64"), "flow_ids": (47, "fixed64*"),
        "terminating_flow_ids": (48, "fixed64*"),
    },
    "DebugAnnotation": {
        "int_value": (4, "int64"), "double_value": (5, "double"), "string_value": (6, "string"), "name": (10, "string"),
    },
}  # fmt: skip


@cache
def messages():
    """Mapping message -> its class."""
    descriptor_pb2, pool = (
        need(f"google.protobuf.{name}", "perfetto") for name in ("descriptor_pb2", "descriptor_pool")
    )
    factory = need("google.protobuf.message_factory", "perfetto")
    file = descriptor_pb2.FileDescriptorProto(name="eventsim/perfetto.proto", package=_PACKAGE, syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = described.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            kind = kind.removesuffix("*")
            if kind in _FIELDS:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    own = pool.DescriptorPool()
    own.Add(file)
    return {name: factory.GetMessageClass(own.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _FIELDS}
