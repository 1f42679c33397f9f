package diag

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestNear(t *testing.T) {
	for name, c := range map[string]struct {
		word       string
		candidates []string
		want       string
	}{
		"a letter left out":               {"list-aps", []string{"get-app", "list-apps"}, "list-apps"},
		"two letters swapped":             {"exposse", []string{"exposes", "consumes"}, "exposes"},
		"swap is one edit":                {"nmae", []string{"name", "nope"}, "name"},
		"case only":                       {"ID", []string{"id"}, "id"},
		"dashes for underscores":          {"list_apps", []string{"list-app", "list-apps"}, "list-apps"},
		"camel case for dashes":           {"baseuri", []string{"base-uri", "baseur"}, "base-uri"},
		"case and a letter":               {"InputParamters", []string{"inputParameters"}, "inputParameters"},
		"too far":                         {"apps", []string{"services"}, ""},
		"short words need all":            {"to", []string{"in", "no"}, ""},
		"tie goes to the first by bytes":  {"cat", []string{"rat", "bat", "hat"}, "bat"},
		"the word itself is no help":      {"name", []string{"name"}, ""},
		"nothing to choose from":          {"name", nil, ""},
		"no word":                         {"", []string{"a"}, ""},
		"candidate without characters":    {"abc", []string{""}, ""},
		"characters beyond ASCII":         {"größe", []string{"grösse", "größen"}, "größen"},
		"words too long for a suggestion": {strings.Repeat("a", 101), []string{strings.Repeat("a", 100)}, ""},
	} {
		for _, reverse := range []bool{false, true} {
			candidates := slices.Clone(c.candidates)
			if reverse {
				slices.Reverse(candidates)
			}
			if got, ok := Near(c.word, candidates); got != c.want || ok != (c.want != "") {
				t.Errorf("%s: got %q, %v, want %q", name, got, ok, c.want)
			}
		}
	}
}

func TestFinder_looksAtNoMoreThanItsBudget(t *testing.T) {
	looked := 0
	names := func(yield func(string) bool) {
		for i := range 20_000 {
			if looked++; !yield("operation" + strconv.Itoa(i)) {
				return
			}
		}
	}
	var f Finder
	if hint := f.Meant("operatio17", names, "otherwise"); hint != "Did you mean “operation17”?" {
		t.Errorf("the first word: %s", hint)
	}
	for i := range 20_000 {
		f.Meant("operatio"+strconv.Itoa(i), names, "")
	}
	if looked > mostFinding/passing+20_000 {
		t.Errorf("it looked at %d names", looked)
	}
	if hint := f.Meant("operatio17", names, "otherwise"); hint != "otherwise" {
		t.Errorf("the last word: %s", hint)
	}
}

func TestSome_listsTheFirst(t *testing.T) {
	for names, want := range map[string]string{
		"":                              "",
		"a b":                           "a, b",
		"a b c d e f g h i j k l":       "a, b, c, d, e, f, g, h, i, j, k, l",
		"a b c d e f g h i j k l m n o": "a, b, c, d, e, f, g, h, i, j, k, l and 3 more",
	} {
		if got := Some(strings.Fields(names)); got != want {
			t.Errorf("%s: %s", names, got)
		}
	}
}

func TestList_Cap_keepsTheFirstOfEachCode(t *testing.T) {
	var l List
	for range MostAlike + 5 {
		l.Add(UnknownKey, Range{}, "", "a")
	}
	l.Add(WrongType, Range{}, "", "b")
	l.Cap()
	if len(l) != MostAlike+1 || l[MostAlike-1].Message != "a; more findings of this kind are not listed" ||
		l[MostAlike].Message != "b" {
		t.Errorf("%d findings, the last %v", len(l), l[len(l)-2:])
	}
	l.Cap()
	if len(l) != MostAlike+1 || strings.Count(l[MostAlike-1].Message, "more") != 1 {
		t.Errorf("a second time: %v", l[MostAlike-1])
	}
}

func BenchmarkNear(b *testing.B) {
	candidates := strings.Fields(strings.Repeat("list-apps get-app create-app delete-app list-services get-service ",
		30))
	b.ReportAllocs()
	for b.Loop() {
		Near("lst-apps", candidates)
	}
}
