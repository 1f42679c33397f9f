package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// Secrets gives the values of bound variables.
type Secrets interface {
	Get(ctx context.Context, ref secret.Ref) (secret.String, error)
}

// Engine runs units. It is safe for concurrent use and holds nothing of a
// document, so one serves every plan of a process.
type Engine struct {
	client  *upstream.Client
	secrets Secrets
	scripts Scripts
	log     *slog.Logger
	frames  sync.Pool
	maskers sync.Pool
}

// New makes an engine that calls through client and reads secrets. scripts may
// be nil: then script steps fail.
func New(client *upstream.Client, secrets Secrets, scripts Scripts, log *slog.Logger) *Engine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Engine{client: client, secrets: secrets, scripts: scripts, log: log}
}

// Limits returns the limits that calls run under.
func (e *Engine) Limits() upstream.Limits { return e.client.Limits() }

// Invoke runs a unit. Exactly one of the result and the error is not nil; the
// caller closes the result. Canceling ctx ends the upstream call.
func (e *Engine) Invoke(ctx context.Context, u *plan.Unit, args Args) (*Result, *Error) {
	frame := e.frame(u.Slots)
	defer e.release(frame)
	f := *frame
	authorization := ""
	if u.CallerAuthorization {
		authorization = args.Authorization
	}
	if err := e.fill(ctx, f, u, authorization != ""); err != nil {
		return nil, err
	}
	for _, slot := range u.Subject {
		f[slot] = value.Of(args.Subject.Reveal())
	}
	give(f, u, args.Values)
	run := run{Engine: e, unit: u, frame: f, args: &args, authorization: authorization, end: time.Now().Add(e.client.Limits().Call)}
	if len(u.Steps) == 1 && u.Steps[0].Kind == plan.CallStep && u.Steps[0].Result < 0 {
		start := time.Now()
		result, failure := run.leave(run.single(ctx, u.Steps[0].Call))
		record(ctx, u, u.Steps[0], start, failure)
		return result, failure
	}
	return run.leave(run.flow(ctx))
}

// give puts the inputs into their slots. Fixed ones may read secrets, which are
// there already; one that cannot be made is not there.
func give(f expr.Frame, u *plan.Unit, values []value.Value) {
	for i, in := range u.Inputs {
		if in.Place == plan.InPlan {
			f[in.Slot], _ = in.Fixed.Eval(f)
		} else if i < len(values) {
			f[in.Slot] = values[i]
		}
		if f[in.Slot].IsAbsent() && !in.Schema.Default.IsAbsent() {
			f[in.Slot] = in.Schema.Default
		}
	}
}

func (e *Engine) frame(slots int) *expr.Frame {
	f, ok := e.frames.Get().(*expr.Frame)
	if !ok || cap(*f) < slots {
		made := make(expr.Frame, slots, max(slots, 16))
		return &made
	}
	*f = (*f)[:slots]
	return f
}

func (e *Engine) release(f *expr.Frame) {
	clear(*f)
	e.frames.Put(f)
}

// fill puts secrets into their slots. Those that only authentication reads are
// left out when the caller brought a credential.
func (e *Engine) fill(ctx context.Context, f expr.Frame, u *plan.Unit, authorized bool) *Error {
	for _, s := range u.Secrets {
		if s.ForAuth && authorized {
			continue
		}
		v, err := e.secret(ctx, s.Refs)
		if err != nil {
			if s.ForAuth && u.CallerAuthorization && u.Kind == "operation" {
				err.Detail += " Or send the API's credential yourself in the Authorization header."
			}
			return err
		}
		f[s.Slot] = value.Of(v.Reveal())
	}
	for _, w := range u.Written {
		f[w.Slot] = value.Of(w.Text.Reveal())
	}
	return nil
}

// secret returns the first of refs that has a value.
func (e *Engine) secret(ctx context.Context, refs []secret.Ref) (secret.String, *Error) {
	var first error
	for _, ref := range refs {
		v, err := e.secrets.Get(ctx, ref)
		if err == nil {
			return v, nil
		}
		var missing *secret.MissingError
		if first == nil {
			first = err
		}
		if !errors.As(err, &missing) {
			first = err
			break
		}
	}
	detail := "Ask the operator to set " + keys(refs) + "."
	var missing *secret.MissingError
	if errors.As(first, &missing) {
		return secret.String{}, &Error{Kind: Unavailable, Status: http.StatusServiceUnavailable, Title: "the credential " + refs[0].Name + " is not set", Detail: detail, cause: first}
	}
	return secret.String{}, &Error{Kind: Unavailable, Status: http.StatusServiceUnavailable, Title: "the credential " + refs[0].Name + " cannot be read", Detail: "Ask the operator to look at the log.", Retry: true, cause: first}
}

func keys(refs []secret.Ref) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Key
	}
	return strings.Join(names, " or ")
}

// Fail turns an error of building or sending a request into what a caller is told.
func fail(ctx context.Context, target string, err error) *Error {
	var input *upstream.InputError
	var unavailable *upstream.UnavailableError
	var missing *template.MissingError
	var credential *upstream.CredentialError
	switch {
	case errors.As(err, &input) && len(input.Missing) > 0:
		return missingInputs(input.Missing)
	case errors.As(err, &missing):
		return missingInputs(missing.Names)
	case errors.As(err, &input):
		return &Error{Kind: BadInput, Status: http.StatusBadRequest, Title: "an input cannot be sent", Fields: []Field{{input.Name, input.Reason}}}
	case errors.As(err, &unavailable):
		return &Error{Kind: Unavailable, Status: http.StatusServiceUnavailable, Title: unavailable.Reason, Detail: "Ask the operator to correct it or to start with --upstream.", cause: err}
	case errors.As(err, &credential) && credential.Retry:
		return &Error{Kind: Unreachable, Status: http.StatusBadGateway, Title: "no credential for " + target + " can be had: " + credential.Reason, Detail: "Try again later.", Retry: true, cause: err}
	case errors.As(err, &credential):
		return &Error{Kind: Unavailable, Status: http.StatusServiceUnavailable, Title: "no credential for " + target + " can be had: " + credential.Reason, Detail: "Ask the operator to correct it.", cause: err}
	case budget.Of(err):
		return Spent(err)
	case isLoop(err):
		return &Error{Kind: Looped, Status: http.StatusLoopDetected, Title: "the calls run in a circle: " + target + " is served by Fairlead itself, which calls it again",
			Detail: "Ask the operator to correct its base URI.", cause: err}
	case context.Cause(ctx) == context.Canceled && ctx.Err() != nil:
		return &Error{Kind: Canceled, Status: 499, Title: "the caller went away", cause: err}
	case isTimeout(err):
		return &Error{Kind: TimedOut, Status: http.StatusGatewayTimeout, Title: target + " did not answer in time", Retry: true, cause: err}
	default:
		return &Error{Kind: Unreachable, Status: http.StatusBadGateway, Title: target + " cannot be reached", Detail: reason(err), Retry: true, cause: err}
	}
}

func isLoop(err error) bool {
	_, ok := errors.AsType[*upstream.LoopError](err)
	return ok
}

func missingInputs(names []string) *Error {
	e := &Error{Kind: BadInput, Status: http.StatusBadRequest, Title: "inputs are missing"}
	for _, n := range names {
		e.Fields = append(e.Fields, Field{n, "is required"})
	}
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// reason is what may be said of a failed connection: its kind, not its address.
func reason(err error) string {
	var dns *net.DNSError
	switch text := err.Error(); {
	case errors.As(err, &dns):
		return "Its host name does not resolve."
	case strings.Contains(text, "connection refused"):
		return "It refuses connections."
	case strings.Contains(text, "certificate") || strings.Contains(text, "tls:"):
		return "Its TLS certificate or handshake is not acceptable."
	case strings.Contains(text, "EOF") || strings.Contains(text, "reset"):
		return "It closed the connection without an answer."
	default:
		return "The connection failed."
	}
}
