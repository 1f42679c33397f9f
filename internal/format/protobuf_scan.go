package format

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoScan measures a message before it is decoded: the library builds an
// element of many bytes from a single one without asking.
type protoScan struct {
	left *allowance
}

// message counts the values of a message, and of those inside it.
func (s *protoScan) message(m protoreflect.MessageDescriptor, b []byte, depth int) error {
	open := []protoreflect.MessageDescriptor{m} // m and the groups open in it, nil for unknown ones
	for len(b) > 0 {
		if depth+2*len(open) > MaxDepth {
			return fail("nested deeper than 512 levels")
		}
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return foreign(-1, protowire.ParseError(n))
		}
		b = b[n:]
		var field protoreflect.FieldDescriptor
		if inner := open[len(open)-1]; inner != nil {
			field = inner.Fields().ByNumber(number)
		}
		if err := s.left.take(1); err != nil {
			return err
		}
		switch wire {
		case protowire.StartGroupType:
			var group protoreflect.MessageDescriptor
			if field != nil {
				group = field.Message() // nil for a scalar
			}
			open = append(open, group)
		case protowire.EndGroupType:
			if len(open) == 1 {
				return fail("a group ends that did not begin")
			}
			open = open[:len(open)-1]
		case protowire.BytesType:
			content, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return foreign(-1, protowire.ParseError(n))
			}
			b = b[n:]
			if err := s.content(field, content, depth+2*len(open)); err != nil {
				return err
			}
		default:
			n := protowire.ConsumeFieldValue(number, wire, b)
			if n < 0 {
				return foreign(-1, protowire.ParseError(n))
			}
			b = b[n:]
		}
	}
	return nil
}

// content counts what is in a length-prefixed field: a message or a packed list.
func (s *protoScan) content(field protoreflect.FieldDescriptor, b []byte, depth int) error {
	if field == nil {
		return nil
	}
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return s.message(field.Message(), b, depth)
	case protoreflect.StringKind, protoreflect.BytesKind:
		return nil
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return s.left.take(len(b) / 4)
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return s.left.take(len(b) / 8)
	}
	varints := 0
	for _, c := range b {
		if c < 0x80 {
			varints++
		}
	}
	return s.left.take(varints)
}
