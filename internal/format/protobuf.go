package format

import (
	"context"
	"io"
	"path"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/fairlead/fairlead/internal/value"
)

// newProtobuf decodes one message. Fields stand under their declared names, in
// the order of the declaration, and only those that the message holds; see
// protoValue for the rest.
func newProtobuf(schema Schema) (decodeFunc, error) {
	name, message, _ := strings.Cut(schema.Text, "#")
	if name == "" {
		return nil, fail("outputSchema must name a .proto file")
	}
	root, err := compileProto(schema, path.Clean(name), message)
	if err != nil {
		return nil, err
	}
	// Extensions are not part of any document: none is resolved, from nowhere.
	options := proto.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true, Resolver: new(protoregistry.Types)}
	return func(body []byte, left *allowance) (value.Value, error) {
		scan := protoScan{left: left}
		if err := scan.message(root, body, 1); err != nil {
			return value.Value{}, err
		}
		m := dynamicpb.NewMessage(root)
		if err := options.Unmarshal(body, m); err != nil {
			return value.Value{}, foreign(-1, err)
		}
		return protoMessage(m.ProtoReflect())
	}, nil
}

// maxProtoNesting is how deep brackets of a .proto file may nest. The library
// that compiles it needs memory without end for what nests without end.
const maxProtoNesting = 64

// checkNesting refuses a .proto file that nests too deep.
func checkNesting(text string) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			i = behindText(text, i)
		case '/':
			if strings.HasPrefix(text[i:], "//") {
				i = behind(text, i, "\n")
			} else if strings.HasPrefix(text[i:], "/*") {
				i = behind(text, i+1, "*/")
			}
		case '{', '[', '<', '(':
			if depth++; depth > maxProtoNesting {
				return fail("it nests deeper than %d levels", maxProtoNesting)
			}
		case '}', ']', '>', ')':
			depth--
		}
	}
	return nil
}

// behind is the index of the last byte of end, where it comes next after at.
func behind(text string, at int, end string) int {
	n := strings.Index(text[at+1:], end)
	if n < 0 {
		return len(text)
	}
	return at + n + len(end)
}

// behindText is the index of the quote that closes the one at.
func behindText(text string, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[at], '\n':
			return i
		}
	}
	return len(text)
}

// compileProto compiles a file and its imports and finds the root message: the
// named one, else the first of the file. Imports are looked for from the top of
// the files, then beside the file itself; those of google/protobuf are built in.
func compileProto(schema Schema, file, message string) (protoreflect.MessageDescriptor, error) {
	open := func(name string) (io.ReadCloser, error) {
		text, err := readSchema(schema.Files, name)
		if err != nil && name != file {
			if beside, besideErr := readSchema(schema.Files, path.Join(path.Dir(file), name)); besideErr == nil {
				text, err = beside, nil
			}
		}
		if err == nil {
			err = checkNesting(text)
		}
		return io.NopCloser(strings.NewReader(text)), err
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: open}),
		MaxParallelism: 1,
	}
	files, err := compiler.Compile(context.Background(), file)
	if err != nil {
		return nil, fail("read schema %s: %v", file, err)
	}
	messages := files[0].Messages()
	if message == "" {
		if messages.Len() == 0 {
			return nil, fail("the schema %s declares no message", file)
		}
		return messages.Get(0), nil
	}
	for _, name := range []protoreflect.FullName{protoreflect.FullName(message),
		files[0].Package().Append(protoreflect.Name(message))} {
		if m, ok := files[0].FindDescriptorByName(name).(protoreflect.MessageDescriptor); ok {
			return m, nil
		}
	}
	return nil, fail("the schema %s declares no message %s", file, quote(message))
}
