package upstream

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/fairlead/fairlead/internal/event"
)

func TestAttempt_isHeardWhenItsAnswerWasRead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			w.Header().Set("Location", "/end")
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "0123456789")
	})
	var heard []event.Attempt
	listener := event.Listener{Kinds: event.Attempts,
		Hear: func(_ context.Context, e event.Event) { heard = append(heard, e.(event.Attempt)) }}
	r := to(t, s.URL, "GET", "/start", nil)
	r.Query = lit("key=secret")
	out, err := r.Outbound(nil, nil, Own{})
	if err != nil {
		t.Fatal(err)
	}
	call := &event.Call{Unit: "u"}
	out.Events, out.Call = event.To(listener), call
	resp, err := newClient(t).Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if len(heard) != 1 {
		t.Errorf("%d attempts before the answer was read", len(heard))
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	resp.Body.Close()
	if len(heard) != 2 {
		t.Fatalf("%d attempts", len(heard))
	}
	for i, want := range []event.Attempt{{Number: 1, Status: 302, URL: s.URL + "/start"},
		{Number: 2, Status: 200, URL: s.URL + "/end", Received: 10}} {
		e := heard[i]
		if e.Number != want.Number || e.Status != want.Status || e.URL != want.URL || e.Received != want.Received ||
			e.Call != call || e.Target != "api.op" || e.Header > e.Took || e.Err != nil {
			t.Errorf("heard %+v", e)
		}
	}
	r.Base.Fixed.Host = "127.0.0.1:1"
	out, _ = r.Outbound(nil, nil, Own{})
	out.Events = event.To(listener)
	if _, err := newClient(t).Send(t.Context(), out); err == nil || len(heard) != 3 || heard[2].Err == nil ||
		heard[2].Status != 0 {
		t.Errorf("an attempt without an answer: %v, %+v", err, heard)
	}
}

func TestCredential_isHeard(t *testing.T) {
	i := &issuer{style: "header"}
	base, c := i.start(t)
	var heard []event.Credential
	listener := event.Listener{Kinds: event.Credentials,
		Hear: func(_ context.Context, e event.Event) { heard = append(heard, e.(event.Credential)) }}
	for range 3 {
		out, err := to(t, base, "GET", "/", clientAt(base)).Outbound(nil, nil, Own{})
		if err != nil {
			t.Fatal(err)
		}
		out.Events = event.To(listener)
		resp, err := c.Send(t.Context(), out)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
		if len(heard) == 1 {
			i.revoke()
		}
	}
	if len(heard) != 2 || heard[0].Err != nil || heard[0].From == "" {
		t.Errorf("heard %+v", heard)
	}
}

// TestSend_costsNothingMoreWhenNobodyListens holds the rule of package event.
func TestSend_costsNothingMoreWhenNobodyListens(t *testing.T) {
	c := newClient(t)
	c.transport = roundTripper(answerEmptyObject)
	r := to(t, "https://api.example.com", "GET", "/things", nil)
	other := event.To(event.Listener{Kinds: event.Problems, Hear: func(context.Context, event.Event) {}})
	allocations := func(events *event.Stream) float64 {
		return testing.AllocsPerRun(100, func() {
			out, _ := r.Outbound(nil, nil, Own{})
			out.Events = events
			resp, _ := c.Send(context.Background(), out)
			resp.Body.Close()
		})
	}
	if none, some := allocations(nil), allocations(other); none != some {
		t.Errorf("%v allocations with a listener to something else, %v without any", some, none)
	}
}
