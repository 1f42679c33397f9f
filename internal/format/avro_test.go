package format

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

const everything = `{"type":"record","name":"All","namespace":"x.y","fields":[
	{"name":"z","type":"string"},
	{"name":"a","type":"long"},
	{"name":"flag","type":"boolean"},
	{"name":"f","type":"float"},
	{"name":"d","type":"double"},
	{"name":"raw","type":"bytes"},
	{"name":"fix","type":{"type":"fixed","name":"F","size":2}},
	{"name":"color","type":{"type":"enum","name":"Color","symbols":["RED","BLUE"]}},
	{"name":"again","type":"Color"},
	{"name":"maybe","type":["null","string"]},
	{"name":"none","type":["null","string"]},
	{"name":"list","type":{"type":"array","items":"int"}},
	{"name":"map","type":{"type":"map","values":"int"}},
	{"name":"next","type":["null","All"]},
	{"name":"day","type":{"type":"int","logicalType":"date"}},
	{"name":"clock","type":{"type":"int","logicalType":"time-millis"}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"local","type":{"type":"long","logicalType":"local-timestamp-millis"}},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
	{"name":"id","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
	{"name":"span","type":{"type":"fixed","name":"D","size":12,"logicalType":"duration"}}
]}`

const everythingJSON = `{"z":"é","a":9007199254740993,"flag":true,"f":0.1,"d":"NaN","raw":"AP8=","fix":"AQI=","color":"BLUE","again":"RED",` +
	`"maybe":"s","none":null,"list":[1,-2],"map":{"k":1},"next":null,"day":"2026-11-23","clock":"01:02:03.004",` +
	`"at":"2026-11-23T10:00:00.000001Z","local":"2026-11-23T10:00:00","price":-0.05,` +
	`"id":"00010203-0405-0607-0809-0a0b0c0d0e0f","span":"P1M2DT3S"}`

func everythingValue() map[string]any {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return map[string]any{
		"z": "é", "a": int64(9007199254740993), "flag": true, "f": float32(0.1), "d": math.NaN(), "raw": []byte{0, 255},
		"fix": []byte{1, 2}, "color": "BLUE", "again": "RED", "maybe": "s", "none": nil, "list": []int{1, -2},
		"map": map[string]int{"k": 1}, "next": nil, "day": at, "clock": time.Hour + 2*time.Minute + 3*time.Second +
			4*time.Millisecond,
		"at": at.Add(time.Microsecond), "local": at, "price": big.NewRat(-5, 100),
		"id":   [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		"span": avro.Duration{Months: 1, Days: 2, Milliseconds: 3000},
	}
}

func avroDecoder(t testing.TB, schema string) Decoder {
	t.Helper()
	d, err := New(Avro, Schema{Text: "./schemas/r.avsc", Files: fstest.MapFS{"schemas/r.avsc": {Data: []byte(schema)}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecodeAvro_readsEveryType(t *testing.T) {
	body, err := avro.MustParse(everything).Encode(everythingValue())
	if err != nil {
		t.Fatal(err)
	}
	v, err := avroDecoder(t, everything).Decode(nil, body, "avro/binary")
	if err != nil || asJSON(v) != everythingJSON {
		t.Errorf("Decode: %v\n got %s\nwant %s", err, asJSON(v), everythingJSON)
	}
}

func TestDecodeAvro_readsContainersOfEachCodec(t *testing.T) {
	zstd, err := ocf.ZstdCodec(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, codec := range map[string]ocf.Codec{"null": nil, "deflate": ocf.DeflateCodec(5),
		"snappy": ocf.SnappyCodec(), "zstandard": zstd} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			w, err := ocf.NewWriter(&file, avro.MustParse(everything), ocf.WithCodec(codec), ocf.WithBlockCount(2))
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := w.Encode(everythingValue()); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			d, _ := New(Avro, Schema{}) // the container brings its schema
			v, err := d.Decode(nil, file.Bytes(), "")
			if err != nil || v.Len() != 3 || asJSON(v.At(2)) != everythingJSON {
				t.Errorf("Decode: %v\n%s", err, asJSON(v))
			}
			for _, cut := range []int{1, 17, 40} {
				_, err = d.Decode(nil, file.Bytes()[:file.Len()-cut], "")
				wantError(t, err, Avro, "")
			}
		})
	}
}

func TestDecodeAvro_leavesWhatHasNoDateANumber(t *testing.T) {
	for name, c := range map[string]struct {
		logical string
		n       int64
		json    string
	}{
		"far date":        {"date", math.MaxInt32, "2147483647"},
		"far past":        {"date", math.MinInt32, "-2147483648"},
		"year 1":          {"date", -719162, `"0001-01-01"`},
		"late time":       {"time-millis", 24 * 3600_000, "86400000"},
		"unknown logical": {"fortnight", 3, "3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := asJSON(logicalLong(&avroType{logical: c.logical}, c.n)); got != c.json {
				t.Errorf("got %s, want %s", got, c.json)
			}
		})
	}
	for _, logical := range []string{"timestamp-millis", "local-timestamp-micros"} {
		if got := logicalLong(&avroType{logical: logical}, math.MaxInt64); asJSON(got) != "9223372036854775807" {
			t.Errorf("%s: %s", logical, asJSON(got))
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		bytes string
		scale int
		text  string
	}{
		{"", 0, "0"}, {"", 2, "0.00"}, {"\x01", 0, "1"}, {"\xFF", 0, "-1"}, {"\xFF", 3, "-0.001"},
		{"\x04\xD2", 2, "12.34"},
		{"\x00\xFF", 1, "25.5"}, {"\x80", 0, "-128"},
		{"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 0, "2361183241434822606847"},
	} {
		if got := decimal([]byte(c.bytes), c.scale); got != c.text {
			t.Errorf("decimal(%x, %d) = %s, want %s", c.bytes, c.scale, got, c.text)
		}
	}
}

func TestDecodeAvro_refuses(t *testing.T) {
	long := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	for name, c := range map[string]struct{ schema, body, part string }{
		"truncated":                {`"string"`, long(5) + "abc", "ends within a value"},
		"negative length":          {`"string"`, long(-5) + "abc", "ends within a value"},
		"huge length":              {`"bytes"`, long(math.MaxInt64), "ends within a value"},
		"bytes left":               {`"int"`, "\x02\x02", "after the record"},
		"bad branch":               {`["null","int"]`, long(2), "out of range"},
		"bad symbol":               {`{"type":"enum","name":"E","symbols":["A"]}`, long(-1), "out of range"},
		"not UTF-8":                {`"string"`, long(1) + "\xE9", "not UTF-8"},
		"array of a billion null":  {`{"type":"array","items":"null"}`, long(1 << 30), "more than"},
		"impossible block":         {`{"type":"array","items":"null"}`, long(math.MinInt64) + long(0), "impossible"},
		"number without end":       {`"long"`, strings.Repeat("\xFF", 20), "within a number"},
		"deep list":                {`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`, strings.Repeat(long(1), 5000), "deeper"},
		"long decimal":             {`{"type":"bytes","logicalType":"decimal","precision":4}`, long(2000) + strings.Repeat("1", 2000), "too many digits"},
		"container without schema": {`"int"`, containerMagic + "\x00" + strings.Repeat("s", 16), ""},
		"container that ends":      {`"int"`, containerMagic, "within a number"},
		"container of odd codec":   {`"int"`, containerMagic + long(2) + long(11) + "avro.schema" + long(5) + `"int"` + long(10) + "avro.codec" + long(3) + "lzx" + "\x00" + strings.Repeat("s", 16), "“lzx”"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := avroDecoder(t, c.schema).Decode(nil, []byte(c.body), "")
			wantError(t, err, Avro, c.part)
		})
	}
}

func TestDecodeAvro_refusesContainersThatGrow(t *testing.T) {
	var file bytes.Buffer
	w, err := ocf.NewWriter(&file, avro.MustParse(`"bytes"`), ocf.WithCodec(ocf.DeflateCodec(9)))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := w.Encode(make([]byte, 15<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, _ := New(Avro, Schema{})
	_, err = d.Decode(nil, file.Bytes(), "")
	wantError(t, err, Avro, "64 MiB")
}

func TestNewAvro_refusesBadSchemas(t *testing.T) {
	files := fstest.MapFS{"bad.avsc": {Data: []byte(`{"type":"recrd"}`)}, "long.avsc": {Data: make([]byte, maxSchemaFile+1)}}
	for name, c := range map[string]struct {
		schema Schema
		part   string
	}{
		"missing":   {Schema{Text: "no.avsc", Files: files}, "no.avsc"},
		"outside":   {Schema{Text: "../bad.avsc", Files: files}, "not inside"},
		"no folder": {Schema{Text: "bad.avsc"}, "no folder"},
		"invalid":   {Schema{Text: "bad.avsc", Files: files}, "read schema bad.avsc"},
		"too long":  {Schema{Text: "long.avsc", Files: files}, "longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Avro, c.schema)
			wantError(t, err, Avro, c.part)
		})
	}
	d, err := New(Avro, Schema{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Decode(nil, []byte("\x02"), "")
	wantError(t, err, Avro, "outputSchema must name")
}

func TestCompileAvro_resolvesNamesInTheirNamespace(t *testing.T) {
	const schema = `{"type":"record","name":"a.R","fields":[
		{"name":"x","type":{"type":"enum","name":"E","symbols":["IN"]}},
		{"name":"y","type":{"type":"record","name":"b.S","fields":[
			{"name":"e","type":{"type":"enum","name":"E","symbols":["OTHER"]}},{"name":"f","type":"E"},{"name":"g","type":"a.E"}]}},
		{"name":"z","type":"E"}]}`
	v, err := avroDecoder(t, schema).Decode(nil, []byte{0, 0, 0, 0, 0}, "")
	if got := asJSON(v); err != nil || got != `{"x":"IN","y":{"e":"OTHER","f":"OTHER","g":"IN"},"z":"IN"}` {
		t.Errorf("Decode = %s, %v", got, err)
	}
}
