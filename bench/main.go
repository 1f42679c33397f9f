// Bench compares Fairlead with its peers in one run: the same login call
// through a plain upstream, a reverse proxy, a bare JSON-RPC handler, the MCP
// Go SDK and Fairlead, in interleaved rounds. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

// options are the flags of a run.
type options struct {
	requests, rounds, starts int
	only                     *regexp.Regexp
	gc                       []string
	jsonFile                 string
	quick                    bool
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "peer" {
		if err := servePeer(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench peer:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parseOptions(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // parseOptions has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (options, error) {
	var (
		o        options
		only, gc string
	)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.requests, "requests", 3000, "requests per case and round (a tenth of it for tools/list)")
	f.IntVar(&o.rounds, "rounds", 7, "rounds that count; one more before them warms up")
	f.StringVar(&only, "only", "", "run the cases whose name matches this `REGEX`; \"start-up\" is one")
	f.StringVar(&gc, "gc", "", "instead of peers, compare Fairlead under these `GOGC[/GOMEMLIMIT],…` settings, as in 50,100,200,400/64MiB")
	f.StringVar(&o.jsonFile, "json", "", "also write the results to this `FILE`")
	f.BoolVar(&o.quick, "quick", false, "few requests and rounds: a smoke test, not a measurement")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		fmt.Fprintln(os.Stderr, "bench: -only:", err)
		return o, err
	}
	if gc != "" {
		o.gc = strings.Split(gc, ",")
	}
	o.starts = 10
	if o.quick {
		o.requests, o.rounds, o.starts = min(o.requests, 200), min(o.rounds, 2), 3
	}
	if o.requests < 10 || o.rounds < 1 {
		err = fmt.Errorf("-requests is at least 10, -rounds at least 1")
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	return o, err
}

// run measures and prints. All servers are stopped by the time it prints, so
// that none is left when nobody reads to the end.
func run(ctx context.Context, o options) error {
	f, err := newFleet(ctx)
	if err != nil {
		return err
	}
	r, err := f.compare(ctx, o)
	f.close()
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	if o.jsonFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.jsonFile, append(data, '\n'), 0o644)
}

// compare starts what the selected cases need and measures it.
func (f *fleet) compare(ctx context.Context, o options) (*report, error) {
	cases := comparison()
	if o.gc != nil {
		cases = f.collectorCases(o.gc)
	}
	var selected []*target
	for _, c := range cases {
		if !o.only.MatchString(c.name) {
			continue
		}
		switch err := f.attach(c); {
		case errors.Is(err, errNotInstalled):
			fmt.Fprintf(os.Stderr, "%s: not installed, left out\n", c.name)
		case err != nil:
			return nil, fmt.Errorf("start %s: %w", c.name, err)
		default:
			selected = append(selected, c)
		}
	}
	if err := f.rest(ctx); err != nil {
		return nil, err
	}
	r := &report{Machine: machine(), Requests: o.requests, Rounds: o.rounds, Concurrency: concurrency, Quick: o.quick}
	var err error
	if r.Results, err = measure(ctx, selected, o); err != nil {
		return nil, err
	}
	if r.Memory, err = f.memory(); err != nil {
		return nil, err
	}
	if o.gc == nil && o.only.MatchString(startUp) {
		if r.Start, err = f.startUp(ctx, o.starts); err != nil {
			return nil, err
		}
	}
	r.reach()
	return r, nil
}
