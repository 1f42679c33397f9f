package answer

import (
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/value"
)

func TestRounds(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":9007199254740991,"b":-9007199254740991}`: false,
		`{"a":9007199254740993}`:                       true,
		`[-9007199254740993]`:                          true,
		`12345678901234567890`:                         true,
		`[1e400]`:                                      true,
		`[1e-400]`:                                     true,
		`[0.1,1.10,21.50,1e3,1E+3,-0,0.0,0e5]`:         false,
		`[0.1000000000000000055]`:                      true,
		`[3.14159265358979323846]`:                     true,
		`[3.141592653589793]`:                          false,
		`[1.0000000000000000]`:                         false,
		`[1e99999999999999999999]`:                     true,
		`{"9007199254740993":"9007199254740993 \"9007199254740993\\"}`: false,
		`{"\\":"\\","a":9007199254740993}`:                             true,
	} {
		v, err := value.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if rounds([]byte(text)) != want || isExact(v) == want {
			t.Errorf("%s: got %v and %v", text, rounds([]byte(text)), !isExact(v))
		}
	}
}

// A fraction is kept when what a float64 prints has the same value.
func TestKeeps_fractions(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,20})\.[0-9]{1,22}([eE][+-]?[0-9]{1,2})?`).Draw(r, "number")
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			r.Fatal(err)
		}
		said, _ := new(big.Rat).SetString(text)
		printed, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
		if got, want := keeps([]byte(text)), said.Cmp(printed) == 0; got != want {
			r.Fatalf("%s: got %v, want %v", text, got, want)
		}
		if exact := strconv.FormatFloat(f, 'e', -1, 64); !keeps([]byte(exact)) {
			r.Fatalf("%s is printed as %s", text, exact)
		}
	})
}
