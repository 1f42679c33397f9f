package control

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"
)

func (g *generation) lives(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "UP"})
}

// Readiness is the answer of /health/ready. Status is UP, DEGRADED or STOPPING.
type Readiness struct {
	Status    string     `json:"status"`
	Adapters  []Adapter  `json:"adapters"`
	Secrets   []string   `json:"secrets,omitempty"`   // that keep callers out, or cannot be read
	Upstreams []Upstream `json:"upstreams,omitempty"` // when they are asked for
}

// ready says whether requests should come here: all servers listen, and their
// secrets can be read. With ?upstreams=true every consumed API must be reachable, too.
func (g *generation) ready(w http.ResponseWriter, r *http.Request) {
	state := g.c.Process.State()
	out := Readiness{Status: "UP", Adapters: business(state.Adapters)}
	stopped := func(a Adapter) bool { return a.State != "started" }
	out.Secrets = g.c.Process.Secrets(r.Context())
	bad := slices.ContainsFunc(out.Adapters, stopped) || len(out.Secrets) > 0
	if asked(r, "upstreams") {
		out.Upstreams = g.c.Process.Upstreams(r.Context())
		bad = bad || slices.ContainsFunc(out.Upstreams, func(u Upstream) bool { return !u.Reachable })
	}
	if !g.mayKnow(r) { // only how it is, and not why
		for i := range out.Secrets {
			out.Secrets[i], _, _ = strings.Cut(out.Secrets[i], ":")
		}
		for i := range out.Upstreams {
			out.Upstreams[i].URL, out.Upstreams[i].Problem = "", ""
		}
	}
	status := http.StatusOK
	switch {
	case state.Stopping:
		out.Status, status = "STOPPING", http.StatusServiceUnavailable
	case bad:
		out.Status, status = "DEGRADED", http.StatusServiceUnavailable
	}
	answer(w, status, out)
}

// mayKnow reports whether a caller may see what open endpoints leave out.
func (g *generation) mayKnow(r *http.Request) bool {
	return isLocal(r) || g.guarded || g.hasToken(r)
}

// asked reports whether a query parameter is set to anything but a no.
func asked(r *http.Request, name string) bool {
	values, ok := r.URL.Query()[name]
	return ok && !slices.Contains([]string{"0", "false", "no"}, strings.ToLower(values[0]))
}

// business are the adapters that are not control servers: a control server that
// answers is there.
func business(all []Adapter) []Adapter {
	some := []Adapter{}
	for _, a := range all {
		if a.Type != "control" {
			some = append(some, a)
		}
	}
	return some
}

// Status is the answer of /status.
type Status struct {
	Capability struct {
		Display     string `json:"display"`
		SpecVersion string `json:"specVersion"`
	} `json:"capability"`
	Engine struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Go      string `json:"go"`
		Native  bool   `json:"native"`
	} `json:"engine"`
	Status string    `json:"status"` // UP, DEGRADED or STOPPING
	Began  time.Time `json:"began"`
	Uptime string    `json:"uptime"` // ISO 8601
	State
}

func (g *generation) status(w http.ResponseWriter, r *http.Request) {
	p := g.c.Process
	out := Status{State: p.State(), Status: "UP", Began: p.Began.UTC().Truncate(time.Second),
		Uptime: duration(time.Since(p.Began))}
	switch {
	case out.Stopping:
		out.Status = "STOPPING"
	case slices.ContainsFunc(out.Adapters, func(a Adapter) bool { return a.State != "started" }):
		out.Status = "DEGRADED"
	}
	if len(out.Documents) > 0 {
		out.Capability.Display, out.Capability.SpecVersion = out.Documents[0].Display, out.Documents[0].SpecVersion
	}
	if g.plan != nil {
		out.Capability.Display = g.plan.Capability.Name()
		out.Capability.SpecVersion = g.plan.Capability.Version.String()
	}
	out.Engine.Name, out.Engine.Version, out.Engine.Go, out.Engine.Native = "fairlead", p.Version, runtime.Version(), true
	if !g.mayKnow(r) {
		out.Missing, out.Generation.LastRefusal = nil, ""
		for i := range out.Documents {
			out.Documents[i].Findings = nil
		}
	}
	answer(w, http.StatusOK, out)
}

// duration is d as ISO 8601 has it: PT26H3M4S.
func duration(d time.Duration) string {
	d = d.Truncate(time.Second)
	text := "PT"
	if h := int(d.Hours()); h > 0 {
		text += fmt.Sprintf("%dH", h)
	}
	if m := int(d.Minutes()) % 60; m > 0 {
		text += fmt.Sprintf("%dM", m)
	}
	return text + fmt.Sprintf("%dS", int(d.Seconds())%60)
}
