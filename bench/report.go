package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// spread is the median of some numbers, with the least and the greatest.
type spread struct{ Median, Min, Max float64 }

// result is what a case took over all rounds.
type result struct {
	Name, Base  string
	CPU         spread  // µs per request of the server process
	Ratio       *spread // of CPU to the base's in the same round; nil without base
	P50, P99    float64 // ms, median over rounds
	Allocated   float64 // bytes per request, from the collector's trace; 0 is not known
	AnswerBytes int
}

type memoryRow struct {
	Process     string
	Rest, After memoryUse
	Collections int
}

// startRow is the time from before exec, and the CPU time it took, in ms.
type startRow struct{ Ready, First, CPU spread }

// reached is an aim of the project beside what was measured.
type reached struct {
	Aim           string
	Value, AtMost float64
	Reached       bool
}

// report is a whole run.
type report struct {
	Machine                       machineInfo
	Requests, Rounds, Concurrency int
	Quick                         bool
	Results                       []result
	Memory                        []memoryRow
	Start                         *startRow `json:",omitempty"`
	Reach                         []reached `json:",omitempty"`
}

func newSpread(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// newResult sums up the rounds of a case; base has the same rounds of its base.
func newResult(t *target, rounds, base []sample) result {
	r := result{Name: t.name, Base: t.base, AnswerBytes: rounds[0].answer}
	var (
		cpu, ratio, p50, p99 []float64
		allocated, requests  int64
	)
	for i, s := range rounds {
		cpu = append(cpu, microseconds(s.cpu))
		if len(base) > 0 {
			ratio = append(ratio, float64(s.cpu)/float64(base[i].cpu))
		}
		p50 = append(p50, milliseconds(s.latencies[len(s.latencies)/2]))
		p99 = append(p99, milliseconds(s.latencies[len(s.latencies)*99/100]))
		allocated += s.allocated
		requests += int64(s.requests)
	}
	r.CPU, r.P50, r.P99 = newSpread(cpu), newSpread(p50).Median, newSpread(p99).Median
	if ratio != nil {
		s := newSpread(ratio)
		r.Ratio = &s
	}
	r.Allocated = float64(allocated) / float64(requests)
	return r
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reach compares the run with the project's aims, as far as it has measured them.
func (r *report) reach() {
	add := func(aim string, value, atMost float64) {
		r.Reach = append(r.Reach, reached{aim, value, atMost, value <= atMost})
	}
	ratio := func(aim, name, base string, atMost float64) {
		a, b := r.result(name), r.result(base)
		if a == nil || b == nil {
			return
		}
		value := a.CPU.Median / b.CPU.Median
		if a.Ratio != nil && a.Base == base {
			value = a.Ratio.Median
		}
		add(aim, value, atMost)
	}
	ratio("REST call ÷ ReverseProxy, CPU", restFairlead, restProxy, 1)
	for _, name := range []string{callLegacy, callModern} {
		ratio(name+" ÷ bare handler, CPU", name+fairlead, name+bare, 1.3)
		ratio(name+" ÷ Go SDK, CPU", name+fairlead, name+sdk, 0.25)
	}
	if r.Start != nil {
		add("process start to first answer, ms", r.Start.First.Median, 30)
	}
	for _, m := range r.Memory {
		if m.Process == "fairlead" {
			add("resident at rest, MB", megabytes(m.Rest.Resident), 20)
		}
	}
}

func (r *report) result(name string) *result {
	if i := slices.IndexFunc(r.Results, func(r result) bool { return r.Name == name }); i >= 0 {
		return &r.Results[i]
	}
	return nil
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// print writes the report as Markdown.
func (r *report) print(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d cores, %.1f GB; %s; %s. ", m.CPU, m.Cores, float64(m.Memory)/1e9, m.Kernel, m.Go)
	fmt.Fprintf(w, "%d rounds of %d requests (tools/list: %d) over %d connections.\n", r.Rounds, r.Requests,
		r.Requests/10, r.Concurrency)
	if r.Quick {
		fmt.Fprintln(w, "A quick run: it shows that everything works, not how fast it is.")
	}
	if len(r.Results) > 0 {
		t := table{{"case", "CPU µs/request", "least–most", "× base", "least–most", "p50 ms", "p99 ms",
			"allocated KB", "answer KB"}}
		for _, x := range r.Results {
			ratio, ratios := "–", ""
			switch {
			case x.Name == x.Base:
				ratio = "base"
			case x.Ratio != nil:
				ratio, ratios = fmt.Sprintf("%.2f", x.Ratio.Median), fmt.Sprintf("%.2f–%.2f", x.Ratio.Min, x.Ratio.Max)
			}
			allocated := "–"
			if x.Allocated > 0 {
				allocated = fmt.Sprintf("%.0f", x.Allocated/1e3)
			}
			t = append(t, []string{x.Name, fmt.Sprintf("%.0f", x.CPU.Median),
				fmt.Sprintf("%.0f–%.0f", x.CPU.Min, x.CPU.Max), ratio, ratios,
				fmt.Sprintf("%.2f", x.P50), fmt.Sprintf("%.2f", x.P99), allocated,
				fmt.Sprintf("%.1f", float64(x.AnswerBytes)/1e3)})
		}
		t.print(w)
	}
	if len(r.Memory) > 0 {
		t := table{{"process", "resident at rest, MB", "of it no file", "after the load", "of it no file", "most",
			"collections"}}
		for _, x := range r.Memory {
			mb := func(n int64) string { return fmt.Sprintf("%.1f", megabytes(n)) }
			t = append(t, []string{x.Process, mb(x.Rest.Resident), mb(x.Rest.Anonymous), mb(x.After.Resident),
				mb(x.After.Anonymous), mb(x.After.Peak), fmt.Sprint(x.Collections)})
		}
		t.print(w)
	}
	if s := r.Start; s != nil {
		t := table{{"start-up of Fairlead, ms", "median", "least–most"}}
		for _, x := range []struct {
			name string
			spread
		}{{"exec to the readiness line", s.Ready}, {"exec to the first 200 over REST", s.First},
			{"CPU time until then", s.CPU}} {
			t = append(t, []string{x.name, fmt.Sprintf("%.1f", x.Median), fmt.Sprintf("%.1f–%.1f", x.Min, x.Max)})
		}
		t.print(w)
	}
	if len(r.Reach) > 0 {
		t := table{{"aim", "measured", "at most", ""}}
		for _, x := range r.Reach {
			verdict := "not reached"
			if x.Reached {
				verdict = "reached"
			}
			t = append(t, []string{x.Aim, fmt.Sprintf("%.2f", x.Value), fmt.Sprintf("%g", x.AtMost), verdict})
		}
		t.print(w)
	}
}

// table is a header and rows. The first column is text, the others numbers.
type table [][]string

func (t table) print(w io.Writer) {
	width := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell), 3)
		}
	}
	fmt.Fprintln(w)
	for n, row := range t {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprintf(w, "| %s%s ", cell, pad)
			} else {
				fmt.Fprintf(w, "| %s%s ", pad, cell)
			}
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for i, n := range width {
				if i == 0 {
					fmt.Fprintf(w, "|-%s-", strings.Repeat("-", n))
				} else {
					fmt.Fprintf(w, "|-%s:", strings.Repeat("-", n))
				}
			}
			fmt.Fprintln(w, "|")
		}
	}
}
