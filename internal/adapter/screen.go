package adapter

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Screen says from where requests are taken, which keeps web pages away from
// servers that only people and programs of this machine or network should reach.
type Screen struct {
	AnyHost bool     // take requests for any Host
	Hosts   []string // taken beside addresses and localhost, whatever the port
	Origins []string // of browsers, taken beside the server's own: scheme://host[:port]
}

// Host reports whether requests for a Host are taken. It keeps DNS rebinding
// out: a page of evil.example that resolves to 127.0.0.1 still says its own
// name. An address is nobody's name.
func (s *Screen) Host(host string) bool { return s.AnyHost || s.known(host) }

func (s *Screen) known(host string) bool {
	name := HostName(host)
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" ||
		strings.HasSuffix(name, ".localhost") {
		return true // no browser leaves the Host out, and localhost is no name of anybody else (RFC 6761 section 6.3)
	}
	return slices.ContainsFunc(s.Hosts, func(allowed string) bool { return HostName(allowed) == name })
}

// HostName is a Host in lower case without the port, brackets and the dot of the root.
func HostName(host string) string {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
}

// Origin reports whether pages of an Origin may send requests for a Host: those
// that are configured, and the server's own. An unknown name may be anybody's,
// so it makes no origin the server's own, even where any Host is taken.
func (s *Screen) Origin(origin, host string) bool {
	if slices.Contains(s.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host) && s.known(host)
}

// CrossSite reports whether a browser sent r for a page whose Origin is not
// taken, and r may change something: a form, script or link of any page can send
// such a request without asking first (Fetch, CORS-safelisted methods). Writes
// says that what r runs changes something, whatever its method.
func (s *Screen) CrossSite(r *http.Request, writes bool) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if !writes {
			return false
		}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		return !s.Origin(origin, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none": // none: the user typed the address
		return false
	case "": // a program, or a browser that keeps it from what is neither HTTPS nor loopback
		page, err := url.Parse(r.Header.Get("Referer"))
		return err != nil || page.Host != "" && !s.Origin(page.Scheme+"://"+page.Host, r.Host)
	}
	return true // same-site, too: a page of another port or sister domain
}

// Browser answers what browsers want to know (CORS, Fetch section 3.2) and
// reports whether r was such a question, a preflight: then it is answered.
// Answers of servers go to pages whose Origin is taken, with the headers that
// exposed names; methods says what these pages may ask for.
func (s *Screen) Browser(w http.ResponseWriter, r *http.Request, exposed string,
	methods func() string) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" || !s.Origin(origin, r.Host) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Expose-Headers", exposed)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", methods())
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
