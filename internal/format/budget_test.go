package format

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/budget"
)

// heavyBody is a body that makes the largest tree for its length.
type heavyBody struct {
	name       string
	kind       Kind
	head, item string
	tail       string
}

var heavy = []heavyBody{
	{"json", JSON, "[", "0,", "0]"},
	{"xml", XML, "<r>", "<a/>", "</r>"},
	{"xml attributes", XML, "<r>", `<a b=""/>`, "</r>"},
	{"xml nests", XML, "<r>", "<a><b><c/></b></a>", "</r>"},
	{"csv", CSV, "a,b,c,d,e,f,g,h\n", ",,,,,,,\n", ""},
	{"html", HTML, "<table><tr><th>a</tr>", "<tr><td>", "</table>"},
	{"html attributes", HTML, "<p ", "", "><table><tr><th>a</tr></table>"},
	{"html paragraphs", HTML, "", "<p>", ""},
	{"markdown", Markdown, "", "#\n", ""},
	{"markdown table", Markdown, "|a|b|\n|-|-|\n", "|1|2|\n", ""},
	{"markdown marks", Markdown, "", "*a*\n\n", ""},
	{"text", Text, "", "text ", ""},
}

// body repeats the item, or else different attributes.
func (h heavyBody) body(size int) []byte {
	if h.item != "" {
		return []byte(h.head + strings.Repeat(h.item, size/len(h.item)) + h.tail)
	}
	text := []byte(h.head)
	for i := 0; len(text) < size; i++ {
		text = append(strconv.AppendInt(append(text, 'a'), int64(i), 36), ' ')
	}
	return append(text, h.tail...)
}

// A call holds at least what the answer of its decoding takes, and decoding ends
// when that is not there, or the caller has left.
func TestDecode_holdsWhatItMakes(t *testing.T) {
	const size = 200_000
	for _, h := range heavy {
		t.Run(h.name, func(t *testing.T) {
			d, err := New(h.kind, Schema{})
			if err != nil {
				t.Fatal(err)
			}
			body := h.body(size)
			call := budget.NewCall(budget.NewPool(1 << 40))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&before)
			v, err := d.Decode(budget.NewMeter(t.Context(), call), body, "")
			runtime.ReadMemStats(&after)
			made := int64(after.TotalAlloc - before.TotalAlloc)
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			const beside = 128 << 10
			lives := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			t.Logf("%.1f bytes live, %.1f held, %.1f allocated for each byte", float64(lives)/size,
				float64(call.Holds())/size, float64(made)/size)
			if call.Holds() < lives-beside {
				t.Errorf("the call holds %d for %d", call.Holds(), lives)
			}
			runtime.KeepAlive(v)
			runtime.KeepAlive(d)
			m := budget.NewMeter(t.Context(), budget.NewCall(budget.NewPool(size/2)))
			if v, err := d.Decode(m, body, ""); !errors.Is(err, budget.ErrLarge) || !v.IsAbsent() {
				t.Errorf("with little memory: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := d.Decode(budget.NewMeter(ctx, nil), body, ""); h.kind != Text &&
				!errors.Is(err, context.Canceled) {
				t.Errorf("after the caller left: %v", err)
			}
		})
	}
}

func TestDecodeHTML_countsWhatSelectorsLookAt(t *testing.T) {
	page := []byte(strings.Repeat("<p>", 20_000) + strings.Repeat("<div>", 400) + strings.Repeat("<p>x</p>", 2000))
	for _, selector := range []string{"p ~ p ~ p ~ table", "p~p~p~div", ":has(:has(:has(table)))",
		"div:contains(x):contains(y):contains(z)"} {
		d, err := New(HTML, Schema{Text: selector})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(budget.NewMeter(t.Context(), nil), page, ""); !errors.Is(err, budget.ErrSteps) {
			t.Errorf("%s: %v", selector, err)
		}
	}
	d, err := New(HTML, Schema{Text: "tr:nth-child(2) table, h2 ~ table"})
	if err != nil {
		t.Fatal(err)
	}
	rows := []byte("<h2>x</h2><table><tr><th>a</tr>" + strings.Repeat("<tr><td>1</td></tr>", 10_000) + "</table>")
	v, err := d.Decode(budget.NewMeter(t.Context(), nil), rows, "")
	if err != nil || v.Get("tables").At(0).Len() != 10_000 {
		t.Errorf("got %v", err)
	}
}

func TestDecodeHTML_limitsTags(t *testing.T) {
	d, err := New(HTML, Schema{})
	if err != nil {
		t.Fatal(err)
	}
	h := heavyBody{head: "<p ", tail: ">"}
	if _, err := d.Decode(budget.NewMeter(t.Context(), nil), h.body(htmlToken+1), ""); err == nil ||
		!strings.Contains(err.Error(), "4 MiB") {
		t.Errorf("a tag longer than any: %v", err)
	}
	if _, err := d.Decode(budget.NewMeter(t.Context(), nil), bytes.Repeat(h.body(1<<20), 8), ""); err == nil ||
		!strings.Contains(err.Error(), errTooMany) {
		t.Errorf("attributes without end: %v", err)
	}
}
