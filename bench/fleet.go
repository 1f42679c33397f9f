package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var errNotInstalled = errors.New("not installed")

// fleet starts servers when a case first needs them, and stops them all.
type fleet struct {
	ctx       context.Context
	folder    string // temporary
	self      string
	binary    string // of Fairlead, once built
	processes []*process
	settings  map[string][]string // environment of a Fairlead under -gc, by key
}

func newFleet(ctx context.Context) (*fleet, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "fairlead-bench-")
	if err != nil {
		return nil, err
	}
	return &fleet{ctx: ctx, folder: folder, self: self, settings: map[string][]string{}}, nil
}

func (f *fleet) close() {
	for _, p := range slices.Backward(f.processes) {
		p.stop()
	}
	_ = os.RemoveAll(f.folder)
}

// collectorCases lists the cases of a run over settings of the collector.
func (f *fleet) collectorCases(settings []string) []*target {
	var cases []*target
	for _, setting := range append([]string{""}, settings...) {
		server, label := "fairlead", "default"
		if setting != "" {
			gogc, limit, limited := strings.Cut(setting, "/")
			server, label = "fairlead GOGC="+gogc, "GOGC="+gogc
			env := []string{"GOGC=" + gogc}
			if limited {
				server, label = server+" GOMEMLIMIT="+limit, label+" GOMEMLIMIT="+limit
				env = append(env, "GOMEMLIMIT="+limit)
			}
			f.settings[server] = env
		}
		r, c := rest("REST "+label, server, "/v1"+loginPath), call("tools/call ", label, server, true)
		r.base, c.base = "REST default", "tools/call default"
		cases = append(cases, r, c)
	}
	return cases
}

// attach gives the target the process that it is sent to.
func (f *fleet) attach(t *target) error {
	p, err := f.server(t.server)
	if err != nil {
		return err
	}
	t.process = p
	return t.aim(p.urls[t.mcp])
}

// server returns the running process of a key.
func (f *fleet) server(key string) (*process, error) {
	if i := slices.IndexFunc(f.processes, func(p *process) bool { return p.key == key }); i >= 0 {
		return f.processes[i], nil
	}
	switch {
	case key == "upstream" || key == "sdk-catalogue":
		return f.peer(key, "unused")
	case key == "nginx":
		return f.nginx()
	case strings.HasPrefix(key, "fairlead"):
		p, err := f.fairlead(key)
		if err == nil {
			f.processes = append(f.processes, p)
		}
		return p, err
	}
	up, err := f.server("upstream")
	if err != nil {
		return nil, err
	}
	return f.peer(key, up.urls[false])
}

// peer starts this program again as one of its peers.
func (f *fleet) peer(key, upstream string) (*process, error) {
	p, line, err := start(key, exec.CommandContext(f.ctx, f.self, "peer", key, upstream), nil)
	if err != nil {
		return nil, err
	}
	u := strings.TrimSpace(line)
	p.urls = map[bool]string{false: u, true: u + "/mcp"}
	f.processes = append(f.processes, p)
	return p, nil
}

// fairlead starts Fairlead, built from the tree around the bench. The caller
// stops it.
func (f *fleet) fairlead(key string) (*process, error) {
	up, err := f.server("upstream")
	if err != nil {
		return nil, err
	}
	if err := f.build(); err != nil {
		return nil, err
	}
	// as published: the tool passes what the model gives, as the peers' do
	args := []string{"serve", "--upstream", up.urls[false], "--ports", "auto", "--json", "--no-overlay"}
	env := []string{"KOYEB_API_KEY=bench"}
	switch key {
	case "fairlead-logged", "fairlead-observed":
		args = append(args, "--access-log", "json", "--access-log-file", filepath.Join(f.folder, key+".log"))
		if key == "fairlead-observed" {
			env = append(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+up.urls[false]+"/otlp", "OTEL_BSP_SCHEDULE_DELAY=1000")
		}
	default:
		args = append(args, "--access-log", "off")
	}
	if key == "fairlead-catalogue" {
		file := filepath.Join(f.folder, "catalogue.yaml")
		if err := os.WriteFile(file, catalogueDocument(), 0o600); err != nil {
			return nil, err
		}
		args = append(args, file)
	}
	p, line, err := start(key, exec.CommandContext(f.ctx, f.binary, args...),
		append(env, f.settings[key]...))
	if err != nil {
		return nil, err
	}
	var ready struct {
		Event    string
		Adapters []struct{ Type, URL string }
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Event != "ready" {
		p.stop()
		return nil, fmt.Errorf("read readiness line %q: %w", line, err)
	}
	p.urls = map[bool]string{}
	for _, a := range ready.Adapters {
		p.urls[a.Type == "mcp"] = strings.TrimSuffix(a.URL, "/")
	}
	return p, nil
}

// build builds Fairlead once, as a release is: without the workspace, whose
// other module may raise the versions of what both use.
func (f *fleet) build() error {
	if f.binary != "" {
		return nil
	}
	root, err := repository()
	if err != nil {
		return err
	}
	binary := filepath.Join(f.folder, "fairlead")
	cmd := exec.CommandContext(f.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/fairlead")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	fmt.Fprintln(os.Stderr, "building cmd/fairlead")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build fairlead: %w\n%s", err, out)
	}
	f.binary = binary
	return nil
}

// repository is the nearest folder upwards that is Fairlead's module.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		data, _ := os.ReadFile(filepath.Join(dir, "go.mod"))
		if bytes.HasPrefix(data, []byte("module github.com/fairlead/fairlead\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("find the repository: run the bench from inside it")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// nginx starts nginx as a reverse proxy in one process, with a pool of
// connections like the other peers.
func (f *fleet) nginx() (*process, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, errNotInstalled
	}
	up, err := f.server("upstream")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()
	config := fmt.Sprintf(`daemon off; master_process off; pid nginx.pid; error_log stderr error;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000000;
  upstream up { server %s; keepalive %d; keepalive_requests 1000000000; }
  server { listen %s; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`, strings.TrimPrefix(up.urls[false], "http://"), 4*concurrency, address)
	file := filepath.Join(f.folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, _, err := start("nginx", exec.CommandContext(f.ctx, path, "-p", f.folder, "-c", file, "-e", "stderr"), nil)
	if err != nil {
		return nil, err
	}
	p.urls = map[bool]string{false: "http://" + address}
	f.processes = append(f.processes, p)
	return p, waitFor(f.ctx, address)
}

func waitFor(ctx context.Context, address string) error {
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("nothing listens on %s", address)
}

// rest notes the memory of every process a second after the last one started.
func (f *fleet) rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
	}
	for _, p := range f.processes {
		var err error
		if p.atRest, err = memoryOf(p.pid); err != nil {
			return err
		}
	}
	return nil
}

// memory is that of every process, now and as rest has noted it.
func (f *fleet) memory() ([]memoryRow, error) {
	var rows []memoryRow
	for _, p := range f.processes {
		now, err := memoryOf(p.pid)
		if err != nil {
			return nil, err
		}
		rows = append(rows, memoryRow{p.key, p.atRest, now, p.trace.cycles()})
	}
	return rows, nil
}

// startUp starts Fairlead n times and takes the time from before exec until
// it has said that it is ready, and until a REST call has its first answer.
func (f *fleet) startUp(ctx context.Context, n int) (*startRow, error) {
	if err := f.build(); err != nil {
		return nil, err
	}
	if _, err := f.server("upstream"); err != nil {
		return nil, err
	}
	var ready, first, cpu []float64
	for range n + 1 {
		start := time.Now()
		p, err := f.fairlead("fairlead")
		if err != nil {
			return nil, err
		}
		isReady := time.Since(start)
		err = firstAnswer(ctx, p)
		total := time.Since(start)
		used, cpuErr := cpuTime(p.pid)
		p.stop()
		if err := errors.Join(err, cpuErr); err != nil {
			return nil, err
		}
		ready, first, cpu = append(ready, milliseconds(isReady)), append(first, milliseconds(total)),
			append(cpu, milliseconds(used))
	}
	return &startRow{Ready: newSpread(ready[1:]), First: newSpread(first[1:]), CPU: newSpread(cpu[1:])}, nil
}

func firstAnswer(ctx context.Context, p *process) error {
	t := rest("first answer", p.key, "/v1"+loginPath)
	if err := t.aim(p.urls[false]); err != nil {
		return err
	}
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return t.exchange(c)
}
