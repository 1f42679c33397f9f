package cli

import "testing"

func TestSize_readsUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"64MiB": 64 << 20, "64 MiB": 64 << 20, "512KiB": 512 << 10, "1GiB": 1 << 30, "10M": 10 << 20, "10m": 10 << 20,
		"3k": 3 << 10, "1048576": 1 << 20, "100B": 100,
		"0": 0, "-1": 0, "": 0, "MiB": 0, "1.5MiB": 0, "10TiB": 0, "9223372036854775807GiB": 0, "10 MB": 0,
	} {
		var n int64
		err := size{&n}.Set(text)
		if n != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d, %v; want %d", text, n, err, want)
		}
	}
}

func TestSize_isItsDefaultInHelp(t *testing.T) {
	n := int64(10 << 20)
	if got := (size{&n}).String(); got != "10MiB" {
		t.Errorf("the default of a flag is %s", got)
	}
}
