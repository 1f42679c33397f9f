package script
import ("testing";"time";"strings";"fmt";"os")
func TestZZ(t *testing.T) {
	long := func(before, part, after string) string {
		return before + strings.Repeat(part, (MaxSource-len(before)-len(after))/len(part)/8) + after
	}
	for _, part := range []string{"(", "[", "{", "!", "1+", "x=>", "a=", "1?", "`${", ".a", "()", "if(1)", "a:", "function f(){", "{a:", "class{[",
		"(a=", "1**", "new ", "typeof ", "a,", "a?.", "else if(1);", "for(;;)", "do ", "try{", "async x=>", "-", "a||"} {
		for _, before := range []string{"", "x=", "a", "if(1);"} {
			start := time.Now()
			_, err := Check("js", long(before, part, "1"))
			if took := time.Since(start); took > 200*time.Millisecond { fmt.Fprintln(os.Stderr, before+part, took, err) }
		}
	}
	for _, part := range []string{"(", "[", "{", "not ", "1+", "lambda:", "-", "1 if 1 else ", ".a", "()", "elif 1:\n pass\n", "x=1;", "def f():", "a,", "[0]"} {
		for _, before := range []string{"", "x=", "x=len", "if 1:\n pass\n"} {
			start := time.Now()
			_, err := Check("python", long(before, part, "1"))
			if took := time.Since(start); took > 200*time.Millisecond { fmt.Fprintln(os.Stderr, before+part, took, err) }
		}
	}
}
