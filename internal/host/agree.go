package host

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
)

// Agree lets the person before a terminal agree at the authorization server of a
// session: show gets the address that they open in a browser of this machine, which
// comes back to a loopback address (RFC 8252 section 7.3). It waits as long as a
// sign-in page lasts. Errors are those of oauth.Client.Finish, and of the listener.
func Agree(ctx context.Context, e Signer, of *plan.Session, show func(address string)) (*session.Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, session.SignInLife, errors.New("nobody has agreed within ten minutes"))
	defer cancel()
	_, label, failure := e.ConsentAt(ctx, of)
	if failure != nil {
		return nil, failure
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	path, host := connect.CallbackPath+label, ln.Addr().String()
	to, t, err := e.AskConsent(ctx, of, "http://"+host+path)
	if err != nil {
		ln.Close()
		return nil, err
	}
	answers := make(chan url.Values, 1)
	const limit = 10 * time.Second
	server := &http.Server{ReadHeaderTimeout: limit, ReadTimeout: limit, WriteTimeout: limit,
		MaxHeaderBytes: 64 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Referrer-Policy", "no-referrer")
			w.Header().Set("Cache-Control", "no-store")
			// what belongs to another sign-in ends nothing: everybody on this machine can send it
			if r.Method != http.MethodGet || r.Host != host || r.URL.Path != path ||
				r.URL.Query().Get("state") != t.State {
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, "This address belongs to no sign-in.\n")
				return
			}
			select {
			case answers <- r.URL.Query():
			default:
			}
			_, _ = io.WriteString(w, "You may close this page. The terminal says how it went.\n")
		})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }() // it ends with Shutdown
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		<-done
	}()
	show(to)
	select {
	case answer := <-answers:
		return e.FinishConsent(ctx, of, t, answer)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
