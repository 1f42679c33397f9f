// Package event is what happens while Fairlead serves, as typed values. Who makes
// something happen publishes it; listeners hear of it: logs, the trace of a call,
// progress. An event that nobody hears is never made.
package event

import (
	"context"
	"sync/atomic"
	"time"
)

// Kind is a kind of event, one bit, so that what listeners want is a set.
type Kind uint16

// The kinds. Each is the kind of the types named behind it.
const (
	Units       Kind = 1 << iota // UnitBegan, UnitEnded
	Steps                        // StepEnded
	Attempts                     // Attempt
	Credentials                  // Credential
	Problems                     // Problem
	Refusals                     // Refusal
	Reloads                      // Reload
	Retries                      // Retry
	Breakers                     // Breaker
	Waits                        // Wait
	Exchanges                    // ExchangeEnded
)

// Event is one of the types below.
type Event interface{ Kind() Kind }

// Call is one run of a unit for a caller. All events of the run share it, so that
// a listener can tell runs apart by the pointer. What else is known of the caller
// (request, principal) stands in the context that listeners get.
type Call struct {
	Unit     string    // its ID in the plan
	Type     string    // of the unit: operation, tool, resource, forward; it tells the adapter
	Front    string    // namespace of the server
	Exchange *Exchange // of which it is a part; nil when nobody hears of exchanges
	Began    time.Time
}

// UnitBegan says that a unit begins to run.
type UnitBegan struct{ Call *Call }

// UnitEnded says that the answer of a unit is there, or that there is none.
type UnitEnded struct {
	Call   *Call
	Took   time.Duration
	Status int   // for an HTTP caller
	Err    error // safe to show; nil for an answer
}

// StepEnded says that a step of a unit has ended. A unit that is a plain call has
// one step without a name.
type StepEnded struct {
	Call  *Call
	Name  string
	Doing string // the operation that it calls, or what else it does
	Span  SpanID // in its exchange's trace; zero when nobody keeps spans
	Began time.Time
	Took  time.Duration
	Total int   // steps of the unit
	Err   error // safe to show
}

// Attempt is one request to an API with its answer, published when the answer was
// read or given up.
type Attempt struct {
	Call     *Call
	Target   string // namespace.operation
	Number   int    // of the attempts of this call, from 1
	Method   string
	URL      string // without its query
	Began    time.Time
	Header   time.Duration // until the answer's header was there
	Took     time.Duration // until the answer was read
	Status   int           // 0 when there was no answer
	Sent     int64         // bytes of the body, -1 when not known
	Received int64         // bytes of the body
	Err      error         // for the log: it may name addresses
	Span     SpanID        // in the trace of the call's exchange; zero when nobody keeps spans
	Parent   SpanID        // the step's, or the exchange's
}

// Credential says that a credential for an API was fetched, or could not be.
type Credential struct {
	From   string // the token endpoint, without a query
	Renews bool   // there was an older one
	Took   time.Duration
	Err    error // for the log
}

// Problem is something that the operator has to see to. Whoever calls is told to
// ask them; Cause is what they need to know.
type Problem struct {
	Call  *Call // nil outside a call
	Title string
	Cause error
	Minor bool // the call was answered all the same, or may succeed later
}

// Refusal is a request that was turned away at the door, before a unit ran.
type Refusal struct {
	Door   string // who refused: guard, rest, mcp
	Status int
	Reason string
}

// Reload says that the documents were read again; with Err the old ones serve on.
type Reload struct {
	Documents int
	Err       error
}

// Retry says that a call will be sent again: its last attempt got no answer, or one
// that asks for it.
type Retry struct {
	Call   *Call
	Target string        // namespace.operation
	Number int           // of the attempt that failed, from 1
	Status int           // of its answer; 0 when there was none
	Err    error         // for the log; nil when there was an answer
	After  time.Duration // until the next attempt
}

// Breaker says that the breaker of an API, or of a part of it, is in another state.
type Breaker struct {
	Name  string // what it guards: namespace, namespace and path of a resource, or namespace.operation
	State BreakerState
	Until time.Time // when an open one lets a call through again
}

// BreakerState is what a breaker does with calls.
type BreakerState uint8

// The states of a breaker.
const (
	Closed   BreakerState = iota // calls pass
	Open                         // calls are held back
	HalfOpen                     // one call passes, and decides
)

// String is the name of the state, for logs and metrics.
func (s BreakerState) String() string { return [...]string{"closed", "open", "half-open"}[s] }

// Wait says that a call had to wait for its turn, or was held back and not sent.
type Wait struct {
	Call   *Call
	Target string        // namespace.operation
	For    string        // what it waited for: rate, concurrency, or the breaker, which never waits
	Took   time.Duration // that it waited
	Held   bool          // it was not sent
}

// ExchangeEnded says that an exchange is over.
type ExchangeEnded struct {
	Exchange *Exchange
	Took     time.Duration
}

// Kind is Units.
func (UnitBegan) Kind() Kind { return Units }

// Kind is Units.
func (UnitEnded) Kind() Kind { return Units }

// Kind is Steps.
func (StepEnded) Kind() Kind { return Steps }

// Kind is Attempts.
func (Attempt) Kind() Kind { return Attempts }

// Kind is Credentials.
func (Credential) Kind() Kind { return Credentials }

// Kind is Problems.
func (Problem) Kind() Kind { return Problems }

// Kind is Refusals.
func (Refusal) Kind() Kind { return Refusals }

// Kind is Reloads.
func (Reload) Kind() Kind { return Reloads }

// Kind is Retries.
func (Retry) Kind() Kind { return Retries }

// Kind is Breakers.
func (Breaker) Kind() Kind { return Breakers }

// Kind is Waits.
func (Wait) Kind() Kind { return Waits }

// Kind is Exchanges.
func (ExchangeEnded) Kind() Kind { return Exchanges }

// Listener hears of events of some kinds.
type Listener struct {
	Kinds Kind
	// More are the kinds (a Kind) that it wants besides at the moment; nil is none.
	More *atomic.Uint32
	// Hear gets the context of what happens. It runs where that happens, perhaps on
	// several goroutines at once, so it must be quick.
	Hear func(context.Context, Event)
}
