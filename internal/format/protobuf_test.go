package format

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/encoding/protowire"
)

var protoFiles = fstest.MapFS{
	"schemas/all.proto": {Data: []byte(`
syntax = "proto3";
package x.y;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "schemas/other.proto";
import "beside.proto";
enum Color { NONE = 0; RED = 1; }
message All {
  string z_name = 1;
  int64 big = 2;
  uint64 bigger = 3;
  bool flag = 4;
  float f = 5;
  double d = 6;
  bytes raw = 7;
  Color color = 8;
  repeated int32 list = 9;
  map<string, int32> map = 10;
  map<int32, bool> numbers = 11;
  All next = 12;
  oneof pick { string left = 13; string right = 14; }
  google.protobuf.Timestamp at = 15;
  google.protobuf.Int64Value wrapped = 16;
  google.protobuf.Struct any = 17;
  x.Other other = 18;
  Beside beside = 19;
  message Inner { int32 i = 1; }
  sint32 zig = 20;
  fixed32 fix = 21;
}
message Second { int32 n = 1; }
`)},
	"schemas/other.proto":  {Data: []byte(`syntax = "proto3"; package x; message Other { string o = 1; }`)},
	"schemas/beside.proto": {Data: []byte(`syntax = "proto3"; message Beside { string b = 1; }`)},
	"two.proto":            {Data: []byte(`syntax = "proto2"; message Two { required int32 need = 1; optional string s = 2; repeated group G = 3 { optional int32 i = 4; optional Two two = 5; } }`)},
	"none.proto":           {Data: []byte(`syntax = "proto3"; enum E { A = 0; }`)},
	"bad.proto":            {Data: []byte(`syntax = "proto3"; message {`)},
	"missing.proto":        {Data: []byte(`syntax = "proto3"; import "nowhere.proto"; message M {}`)},
	"loop.proto":           {Data: []byte(`syntax = "proto3"; import "loop.proto"; message M {}`)},
}

func protoDecoder(t testing.TB, schema string) Decoder {
	t.Helper()
	d, err := New(Protobuf, Schema{Text: schema, Files: protoFiles})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// varint and chunk write fields of a message.
func varint(number protowire.Number, n uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), n))
}

func chunk(number protowire.Number, content string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
}

func group(number protowire.Number, content string) string {
	b := append(protowire.AppendTag(nil, number, protowire.StartGroupType), content...)
	return string(protowire.AppendTag(b, number, protowire.EndGroupType))
}

func TestDecodeProtobuf(t *testing.T) {
	const all = "schemas/all.proto"
	f32 := string(protowire.AppendFixed32(protowire.AppendTag(nil, 5, protowire.Fixed32Type), math.Float32bits(0.1)))
	f64 := string(protowire.AppendFixed64(protowire.AppendTag(nil, 6, protowire.Fixed64Type),
		math.Float64bits(math.Inf(-1))))
	for name, c := range map[string]struct{ schema, body, json string }{
		"declared names and order": {all, varint(4, 1) + chunk(1, "é"), `{"z_name":"é","flag":true}`},
		"64-bit integers":          {all, varint(2, math.MaxUint64) + varint(3, math.MaxUint64) + varint(20, 3), `{"big":-1,"bigger":18446744073709551615,"zig":-2}`},
		"floats":                   {all, f32 + f64, `{"f":0.1,"d":"-Infinity"}`},
		"bytes":                    {all, chunk(7, "\x00\xFF"), `{"raw":"AP8="}`},
		"enum":                     {all, varint(8, 1), `{"color":"RED"}`},
		"unknown enum value":       {all, varint(8, 7), `{"color":7}`},
		"packed list":              {all, chunk(9, "\x01\x02\x80\x01"), `{"list":[1,2,128]}`},
		"list that is not packed":  {all, varint(9, 1) + varint(9, 2), `{"list":[1,2]}`},
		"map":                      {all, chunk(10, chunk(1, "b")+varint(2, 1)) + chunk(10, chunk(1, "a")+varint(2, 2)), `{"map":{"a":2,"b":1}}`},
		"map of numbers":           {all, chunk(11, varint(1, 10)+varint(2, 1)) + chunk(11, varint(1, 9)), `{"numbers":{"9":false,"10":true}}`},
		"message, given in parts":  {all, chunk(12, chunk(1, "x")) + chunk(12, varint(4, 1)), `{"next":{"z_name":"x","flag":true}}`},
		"last of a oneof":          {all, chunk(13, "l") + chunk(14, "r"), `{"right":"r"}`},
		"timestamp":                {all, chunk(15, varint(1, 1795428000)), `{"at":"2026-11-23T10:00:00Z"}`},
		"impossible timestamp":     {all, chunk(15, varint(1, 1<<60)), `{"at":{"seconds":1152921504606846976}}`},
		"wrapper":                  {all, chunk(16, varint(1, 9007199254740993)), `{"wrapped":9007199254740993}`},
		"wrapper of zero":          {all, chunk(16, ""), `{"wrapped":0}`},
		"struct":                   {all, chunk(17, chunk(1, chunk(1, "k")+chunk(2, varint(4, 1)))), `{"any":{"k":true}}`},
		"imported from the top":    {all, chunk(18, chunk(1, "x")), `{"other":{"o":"x"}}`},
		"imported from beside":     {all, chunk(19, chunk(1, "x")), `{"beside":{"b":"x"}}`},
		"unknown fields":           {all, varint(900, 1) + group(901, varint(1, 1)) + varint(4, 1), `{"flag":true}`},
		"named message":            {all + "#Second", varint(1, 5), `{"n":5}`},
		"message named in full":    {all + "#x.y.All.Inner", varint(1, 5), `{"i":5}`},
		"nested message":           {all + "#All.Inner", varint(1, 5), `{"i":5}`},
		"groups":                   {"two.proto", group(3, varint(4, 1)) + group(3, chunk(5, chunk(2, "x"))), `{"g":[{"i":1},{"two":{"s":"x"}}]}`},
		"required field left out":  {"two.proto", chunk(2, "x"), `{"s":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := protoDecoder(t, c.schema).Decode(nil, []byte(c.body), "application/x-protobuf")
			if err != nil || asJSON(v) != c.json {
				t.Errorf("Decode: %v\n got %s\nwant %s", err, asJSON(v), c.json)
			}
		})
	}
}

func TestDecodeProtobuf_refuses(t *testing.T) {
	deep := ""
	for range 400 {
		deep = chunk(12, deep)
	}
	for name, c := range map[string]struct{ schema, body, part string }{
		"not a message":       {"schemas/all.proto", "hello", ""},
		"truncated":           {"schemas/all.proto", chunk(1, "hello")[:4], "unexpected EOF"},
		"not UTF-8":           {"schemas/all.proto", chunk(1, "\xE9"), "UTF-8"},
		"deep nesting":        {"schemas/all.proto", deep, "deeper than 512"},
		"deep groups":         {"two.proto", strings.Repeat("\x1b", 100_000), "deeper than 512"},
		"group without start": {"two.proto", "\x1c", "did not begin"},
		"packed million":      {"schemas/all.proto", chunk(9, strings.Repeat("\x01", MaxValues)), "more than"},
		"million messages":    {"schemas/all.proto", strings.Repeat(chunk(10, ""), MaxValues+1), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := protoDecoder(t, c.schema).Decode(nil, []byte(c.body), "")
			wantError(t, err, Protobuf, c.part)
		})
	}
}

func TestNewProtobuf_refusesWhatNestsWithoutEnd(t *testing.T) {
	for name, text := range map[string]string{
		"options":                     "option (a) = " + strings.Repeat("{ a: ", 200_000),
		"messages":                    strings.Repeat("message M {", 80_000),
		"types":                       "message M { map<" + strings.Repeat("map<", 100_000),
		"brackets closed in texts":    "option (a) = " + strings.Repeat("{ a: \"}\" b: ", 70_000),
		"brackets closed in comments": "option (a) = " + strings.Repeat("{ a: /* } */ ", 70_000),
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{"deep.proto": {Data: []byte("syntax = \"proto3\";\n" + text)}}
			_, err := New(Protobuf, Schema{Text: "deep.proto", Files: files})
			wantError(t, err, Protobuf, "nests deeper than 64 levels")
		})
	}
	fine := fstest.MapFS{"fine.proto": {Data: []byte("syntax = \"proto3\";\n// " + strings.Repeat("{", 100) +
		"\nmessage M { string a = 1; }\n")}}
	if _, err := New(Protobuf, Schema{Text: "fine.proto", Files: fine}); err != nil {
		t.Errorf("brackets of a comment count: %v", err)
	}
}

func TestNewProtobuf_refusesBadSchemas(t *testing.T) {
	for schema, part := range map[string]string{
		"": "must name a .proto file", "#M": "must name a .proto file", "no.proto": "no.proto",
		"../x.proto": "x.proto", "bad.proto": "bad.proto:1:",
		"missing.proto": "nowhere.proto", "none.proto": "declares no message",
		"two.proto#Nobody": "declares no message “Nobody”", "loop.proto": "cycle",
	} {
		_, err := New(Protobuf, Schema{Text: schema, Files: protoFiles})
		wantError(t, err, Protobuf, part)
	}
	_, err := New(Protobuf, Schema{Text: "two.proto"})
	wantError(t, err, Protobuf, "no folder")
}
