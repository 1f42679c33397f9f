package secret

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDotenv(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"nothing":       {"", map[string]string{}},
		"plain":         {"A=1\nB = two words \n", map[string]string{"A": "1", "B": "two words"}},
		"Windows lines": {"A=1\r\nB=\"2\"\r\n", map[string]string{"A": "1", "B": "2"}},
		"export":        {"export A=1", map[string]string{"A": "1"}},
		"comments": {"# A=1\n\n  # B=2\nC=3 # note\nD=x#y\nE=#z\nF= # note",
			map[string]string{"C": "3", "D": "x#y", "E": "#z", "F": ""}},
		"colon":             {"A: 1\nURL=https://x/y", map[string]string{"A": "1", "URL": "https://x/y"}},
		"more equals signs": {"A=b64==", map[string]string{"A": "b64=="}},
		"double quotes":     {`A="x # \"y\" \n\\n $Z" # note`, map[string]string{"A": "x # \"y\" \n\\n $Z"}},
		"single quotes":     {`A='x \n "y"'`, map[string]string{"A": `x \n "y"`}},
		"several lines":     {"A=\"-----BEGIN\nabc\n-----END\"\nB=`1\r\n2`", map[string]string{"A": "-----BEGIN\nabc\n-----END", "B": "1\n2"}},
		"quote not closed":  {"A=\"x\nB=2", map[string]string{"A": `"x`, "B": "2"}},
		"quote inside":      {"A=it's\nB=don't", map[string]string{"A": "it's", "B": "don't"}},
		"empty":             {"A=\nB=2", map[string]string{"A": "", "B": "2"}},
		"twice":             {"A=1\nA=2", map[string]string{"A": "2"}},
		"no assignment":     {"A\n=1\n =2\nexport =3\n# C\nB=2", map[string]string{"export": "3", "B": "2"}},
		"dashes and dots":   {"weather-api.key=1", map[string]string{"weather-api.key": "1"}},
	} {
		if diff := cmp.Diff(c.want, parseDotenv(c.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseProperties(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"separators": {"a=1\nb: 2\nc 3\nd = 4=4\ne",
			map[string]string{"a": "1", "b": "2", "c": "3", "d": "4=4", "e": ""}},
		"comments":      {"# a=1\n! b=2\nc=3 # stays", map[string]string{"c": "3 # stays"}},
		"continuation":  {"a=one,\\\r\n   two\nb=\\\\\nc=3\\", map[string]string{"a": "one,two", "b": `\`}},
		"escapes":       {`a\=b=x\ty\u00e9\q` + "\n" + `u=\u12`, map[string]string{"a=b": "x\tyéq", "u": "u12"}},
		"quotes remain": {`a="x"`, map[string]string{"a": `"x"`}},
	} {
		got := parseProperties(c.text)
		if name == "continuation" {
			delete(got, "c")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzParseDotenv(f *testing.F) {
	f.Add("A=1\nexport B=\"x\\\"\ny\" # z\n'C': `d", "v")
	f.Fuzz(func(t *testing.T, text, val string) {
		parseProperties(text)
		for name, got := range parseDotenv(text) {
			if name == "" || len(got) > len(text) {
				t.Errorf("%q = %q", name, got)
			}
		}
		if strings.ContainsAny(val, "'\r") {
			return
		}
		// What stands in single quotes comes back, whatever follows.
		if got, ok := parseDotenv("A='" + val + "'\n#" + strings.ReplaceAll(text, "\n", " "))["A"]; !ok || got != val {
			t.Errorf("got %q, want %q", got, val)
		}
	})
}
