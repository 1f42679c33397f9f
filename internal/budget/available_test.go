package budget

import (
	"math"
	"slices"
	"testing"
)

func TestAvailable(t *testing.T) {
	if n := Available(); n < least {
		t.Errorf("got %d", n)
	}
	got := groupFiles("4:cpu:/x\n3:memory:/pod/one\n0::/a.slice/b.scope\nnonsense\n")
	want := []string{"/sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes",
		"/sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
		"/sys/fs/cgroup/a.slice/b.scope/memory.max", "/sys/fs/cgroup/a.slice/memory.max", "/sys/fs/cgroup/memory.max"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if n := memoryTotal("MemTotal:       16000 kB\nMemFree: 1 kB\n"); n != 16000<<10 {
		t.Errorf("got %d", n)
	}
	if n := memoryTotal("none"); n != math.MaxInt64 {
		t.Errorf("got %d", n)
	}
}
