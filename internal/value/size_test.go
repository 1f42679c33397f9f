package value

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/budget"
)

// worst are the texts that make the largest trees for their length.
func worst(size int) map[string]string {
	list := func(item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", size/(len(item)+1)), ",") + "]"
	}
	var wide, numbered strings.Builder
	for i := 0; wide.Len() < size; i++ {
		fmt.Fprintf(&wide, `,"%x":0`, i)
		fmt.Fprintf(&numbered, `,{"id":%d}`, i)
	}
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	return map[string]string{
		"zeros":           list("0"),
		"empty arrays":    list("[]"),
		"arrays of one":   list("[0]"),
		"arrays of some":  list("[0,0,0]"),
		"arrays of many":  list(strings.TrimSuffix("["+strings.Repeat("0,", 17), ",") + "]"),
		"empty objects":   list("{}"),
		"empty names":     list(`{"":0}`),
		"empty texts":     list(`""`),
		"short texts":     list(`"ab"`),
		"three digits":    list("100"),
		"short names":     list(`{"a":0,"b":1,"c":2}`),
		"numbered":        "[" + numbered.String()[1:] + "]",
		"wide":            "{" + wide.String()[1:] + "}",
		"escapes":         list(`"` + strings.Repeat(`\u00e4`, 50) + `"`),
		"one long text":   `"` + strings.Repeat(`\n`, size/2) + `"`,
		"nests":           list(deep),
		"nests of two":    list("[[[[0]]]]"),
		"equal names":     `{"a":0` + strings.Repeat(`,"a":0`, size/6) + "}",
		"objects in some": list(`{"":{"":{"":[]}}}`),
	}
}

// live is how many bytes what make returns takes, and how many were taken at
// most while it was made, as far as allocation tells.
func live(make func() Value) (v Value, bytes int64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	v = make()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return v, int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func TestParse_makesTreesOfAtMostEightTimesTheirText(t *testing.T) {
	const size = 1 << 19
	for name, text := range worst(size) {
		t.Run(name, func(t *testing.T) {
			src := []byte(text)
			var err error
			v, bytes := live(func() (v Value) { v, err = Parse(src); return v })
			if err != nil {
				t.Fatal(err)
			}
			const beside = 64 << 10 // what else the process allocates
			if bytes > 8*int64(len(src))+beside {
				t.Errorf("%d bytes of text make %d (%.1f times as much)", len(src), bytes,
					float64(bytes)/float64(len(src)))
			}
			pool := budget.NewPool(1 << 40)
			call := budget.NewCall(pool)
			if _, err := ParseWithin(budget.NewMeter(t.Context(), call), src); err != nil ||
				call.Holds() < bytes-beside {
				t.Errorf("the call holds %d for %d: %v", call.Holds(), bytes, err)
			}
			runtime.KeepAlive(v)
			runtime.KeepAlive(src)
		})
	}
}

// What is allocated in all while a text is parsed bounds what is held at once.
func TestParse_allocatesLittleBesideTheTree(t *testing.T) {
	for name, text := range worst(1 << 20) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if got := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text)); got > 14 {
			t.Errorf("%s: %.1f bytes are allocated for each byte of text", name, got)
		}
	}
}

func TestValue_isTwoWords(t *testing.T) {
	v := Map(Member{"a", List(Int(1), Of(""), Nil(), Boolean(true), Boolean(false))})
	packed, err := Parse(v.AppendJSON(nil))
	if err != nil || !Equal(v, packed) || !packed.Get("a").At(3).True() || packed.Get("a").At(4).True() {
		t.Errorf("%s is not %s", packed.Text(), v.Text())
	}
	for _, change := range []func(){
		func() { packed.Set("a", Nil()) }, func() { packed.Get("a").Append(Nil()) }, func() { v.Append(Nil()) },
		func() { Of("x").Add("a", Nil()) },
	} {
		func() {
			defer func() { _ = recover() }()
			change()
			t.Error("a value that is no container under construction was changed")
		}()
	}
	if !Equal(Items([]Value{Int(1)}), List(Int(1))) ||
		!Equal(Members([]Member{{"a", Nil()}}), Map(Member{"a", Nil()})) {
		t.Error("what is complete is not equal to what is under construction")
	}
}
