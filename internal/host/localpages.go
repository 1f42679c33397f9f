package host

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/session"
)

// LocalPages are the sign-in pages of a process that listens nowhere, for the
// person who has started it: they stand on a free port of the loopback interface
// while somebody is asked to sign in. Other users of the machine reach that port,
// too, so a page opens for whoever knows its handle, and the list of sign-ins for
// whoever has opened one. It is a mcp.SignIns, safe for concurrent use.
type LocalPages struct {
	sessions *Sessions
	log      *slog.Logger
	pages    http.Handler
	front    Front

	mu        sync.Mutex
	documents []*Document
	told      func(handle string) // nil for nobody
	server    *http.Server        // nil while nobody is asked
	base      string
	closing   *time.Timer
	closed    bool
	running   sync.WaitGroup
}

// NewLocalPages makes pages for the documents. Close it. log may be nil.
func NewLocalPages(s *Sessions, log *slog.Logger, documents ...*Document) *LocalPages {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &LocalPages{sessions: s, log: log, documents: documents}
	p.pages = connect.New(connect.Config{SignIns: s.SignIns, Vault: s.Vault, APIs: p.apis, Who: p.who, Logger: log,
		Cookies: s.Cookies, Done: p.done, Address: func(context.Context) (string, error) { return p.open() }})
	return p
}

// Update makes the pages those of other documents.
func (p *LocalPages) Update(documents ...*Document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.documents = documents
}

// Tell tells f, from now on, of pages whose person has signed in, by their handle.
func (p *LocalPages) Tell(f func(handle string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = f
}

func (p *LocalPages) done(handle string) {
	p.mu.Lock()
	told := p.told
	p.mu.Unlock()
	if told != nil {
		told(handle)
	}
}

// Page implements mcp.SignIns.
func (p *LocalPages) Page(ctx context.Context, want *engine.SignIn, asked session.Asked) (address, handle string,
	err error) {
	in, err := p.sessions.SignIns.Ask(ctx, want.Key, asked)
	if err != nil {
		return "", "", err
	}
	base, err := p.open()
	return base + connect.Path + "/" + in.Handle, in.Handle, err
}

// Drop implements mcp.SignIns.
func (p *LocalPages) Drop(ctx context.Context, handle string) error {
	return p.sessions.drop(ctx, handle, session.Local())
}

// open listens, if nobody does, for as long as a page lasts from now.
func (p *LocalPages) open() (base string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return "", errors.New("open sign-in page: the process ends")
	case p.server != nil:
		p.closing.Reset(session.SignInLife)
		return p.base, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	p.base = "http://" + ln.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(p.serve), ConnContext: p.front.connected,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 5 * time.Minute,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug)}
	p.server = server
	p.closing = time.AfterFunc(session.SignInLife, p.shut)
	p.running.Go(func() { _ = server.Serve(ln) }) // it ends with shut or Close
	return p.base, nil
}

// shut stops listening until somebody is asked again.
func (p *LocalPages) shut() {
	p.mu.Lock()
	server := p.server
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

// Close stops listening for good.
func (p *LocalPages) Close() {
	p.mu.Lock()
	p.closed = true
	if p.closing != nil {
		p.closing.Stop()
	}
	p.mu.Unlock()
	p.shut()
	p.running.Wait()
}

func (p *LocalPages) serve(w http.ResponseWriter, r *http.Request) {
	if !reserved(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	p.pages.ServeHTTP(w, p.front.enter(r, true))
}

func (p *LocalPages) who(w http.ResponseWriter, r *http.Request) (v connect.Visitor, handled bool, err error) {
	if !isOwn(r.Context()) {
		return v, false, &connect.Refused{Status: http.StatusForbidden, Message: nobodyForwarded}
	}
	v.Principal = session.Local()
	var k known
	if p.sessions.Cookies.Get(r, knownCookie, false, &k) && k.Issuer == v.Issuer && k.Subject == v.Subject {
		return v, false, nil
	}
	_, err = p.sessions.SignIns.Find(r.Context(), strings.TrimPrefix(r.URL.Path, connect.Path+"/"), v.Principal)
	switch {
	case errors.Is(err, session.ErrNoHandle):
		return connect.Visitor{}, false, &connect.Refused{Status: http.StatusForbidden,
			Message: "Open the address that your assistant shows. It lasts ten minutes."}
	case err != nil:
		return connect.Visitor{}, false, err
	}
	return v, false, p.sessions.Cookies.Put(w, knownCookie, false, known{Issuer: v.Issuer, Subject: v.Subject}, visitor)
}

func (p *LocalPages) apis(ctx context.Context, who session.Principal) (all []*connect.API, err error) {
	p.mu.Lock()
	documents := p.documents
	p.mu.Unlock()
	for _, d := range documents {
		if all, err = p.sessions.apis(ctx, all, d, who); err != nil {
			return nil, err
		}
	}
	return all, nil
}
