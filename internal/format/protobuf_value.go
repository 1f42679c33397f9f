package format

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/fairlead/fairlead/internal/value"
)

// wellKnown are the messages that protobuf's JSON mapping writes as something
// simpler than their fields: a timestamp as a string, a Struct as an object.
var wellKnown = map[protoreflect.FullName]bool{
	"google.protobuf.Timestamp": true, "google.protobuf.Duration": true, "google.protobuf.FieldMask": true,
	"google.protobuf.Struct": true, "google.protobuf.Value": true, "google.protobuf.ListValue": true,
}

// wrappers are the messages that stand for the scalar in them.
var wrappers = map[protoreflect.FullName]bool{
	"google.protobuf.BoolValue": true, "google.protobuf.BytesValue": true, "google.protobuf.StringValue": true,
	"google.protobuf.Int32Value": true, "google.protobuf.Int64Value": true, "google.protobuf.UInt32Value": true,
	"google.protobuf.UInt64Value": true, "google.protobuf.FloatValue": true, "google.protobuf.DoubleValue": true,
}

// protoMessage is the object of the fields that m holds.
func protoMessage(m protoreflect.Message) (value.Value, error) {
	name := m.Descriptor().FullName()
	fields := m.Descriptor().Fields()
	if wellKnown[name] {
		if text, err := protojson.Marshal(m.Interface()); err == nil {
			return value.Parse(text)
		} // a timestamp in the year 10000 is shown by its fields
	}
	if wrappers[name] && fields.Len() == 1 {
		return protoValue(fields.Get(0), m.Get(fields.Get(0)))
	}
	object := value.Map()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		v, err := protoField(field, m.Get(field))
		if err != nil {
			return value.Value{}, err
		}
		object.Add(string(field.Name()), v)
	}
	return object, nil
}

func protoField(field protoreflect.FieldDescriptor, v protoreflect.Value) (value.Value, error) {
	switch {
	case field.IsMap():
		return protoMap(field, v.Map())
	case field.IsList():
		list := value.List()
		for i := range v.List().Len() {
			item, err := protoValue(field, v.List().Get(i))
			if err != nil {
				return value.Value{}, err
			}
			list.Append(item)
		}
		return list, nil
	}
	return protoValue(field, v)
}

// protoMap is the object of a map, its keys sorted: on the wire they have no order.
func protoMap(field protoreflect.FieldDescriptor, m protoreflect.Map) (value.Value, error) {
	keys := make([]protoreflect.MapKey, 0, m.Len())
	for key := range m.Range {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int {
		switch a.Interface().(type) {
		case int32, int64:
			return cmp.Compare(a.Int(), b.Int())
		case uint32, uint64:
			return cmp.Compare(a.Uint(), b.Uint())
		}
		return cmp.Compare(a.String(), b.String())
	})
	object := value.Map()
	for _, key := range keys {
		v, err := protoValue(field.MapValue(), m.Get(key))
		if err != nil {
			return value.Value{}, err
		}
		object.Add(key.String(), v)
	}
	return object, nil
}

// protoValue is one value: integers of any size as exact numbers, enums by
// their name (or number, if the schema lacks it), bytes as base64.
func protoValue(field protoreflect.FieldDescriptor, v protoreflect.Value) (value.Value, error) {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return value.Boolean(v.Bool()), nil
	case protoreflect.StringKind:
		return value.Of(v.String()), nil
	case protoreflect.BytesKind:
		return base64Value(v.Bytes()), nil
	case protoreflect.FloatKind:
		return float(v.Float(), 32), nil
	case protoreflect.DoubleKind:
		return float(v.Float(), 64), nil
	case protoreflect.EnumKind:
		if symbol := field.Enum().Values().ByNumber(v.Enum()); symbol != nil {
			return value.Of(string(symbol.Name())), nil
		}
		return value.Int(int64(v.Enum())), nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return protoMessage(v.Message())
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return value.Num(v.String()), nil
	}
	return value.Int(v.Int()), nil
}
