package budget

import "testing"

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{10 << 20: "10 MiB", 1 << 30: "1 GiB", 1536: "1536 bytes", 1 << 10: "1 KiB",
		1<<10 - 1: "1023 bytes", 0: "0 bytes"} {
		if got := SizeText(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
