package host

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// hop is what a proxy says of the request that reached it.
type hop struct {
	from        netip.Addr // who sent it; the zero Addr is not said
	proto, host string     // "" is not said
}

// forwarded reads the header Forwarded (RFC 7239), the nearest proxy last. A line
// that is malformed may have swallowed what a proxy appended: then nothing counts.
func forwarded(header http.Header) (hops []hop) {
	for _, line := range header["Forwarded"] {
		if !wellQuoted(line) {
			return nil
		}
		for _, element := range split(line, ',') {
			var h hop
			for _, pair := range split(element, ';') {
				name, text, _ := strings.Cut(strings.TrimSpace(pair), "=")
				text = unquote(text)
				switch strings.ToLower(name) {
				case "for":
					h.from = node(text)
				case "proto":
					h.proto = proto(text)
				case "host":
					h.host = host(text)
				}
			}
			hops = append(hops, h)
		}
	}
	return hops
}

// xForwarded reads X-Forwarded-For, -Proto and -Host, of which proxies keep lists
// of different lengths: what the nearest says is last in each, and the first of a
// shorter list counts for those before it.
func xForwarded(header http.Header) (hops []hop) {
	list := func(name string) []string { // in which a quote is a character as any other
		lines := header["X-Forwarded-"+name]
		if len(lines) == 0 {
			return nil
		}
		return strings.Split(strings.Join(lines, ","), ",")
	}
	froms, protos, hosts := list("For"), list("Proto"), list("Host")
	last := func(all []string, back int) string {
		if len(all) == 0 {
			return ""
		}
		return strings.TrimSpace(all[max(0, len(all)-1-back)])
	}
	for back := range max(len(froms), len(protos), len(hosts)) {
		h := hop{proto: proto(last(protos, back)), host: host(last(hosts, back))}
		if back < len(froms) {
			h.from = node(last(froms, back))
		}
		hops = append(hops, h)
	}
	slices.Reverse(hops)
	return hops
}

// wellQuoted reports whether each quoted string of a line is closed, and the whole
// value of a parameter (RFC 7239 section 4).
func wellQuoted(line string) bool {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] != '"':
		case quoted:
			quoted = false
			if rest := strings.TrimLeft(line[i+1:], " \t"); rest != "" && rest[0] != ',' && rest[0] != ';' {
				return false
			}
		case i == 0 || line[i-1] != '=':
			return false
		default:
			quoted = true
		}
	}
	return !quoted
}

// split cuts a list at a separator that stands in no quotes (RFC 9110 section
// 5.6.4). Of nothing it is empty.
func split(text string, separator byte) (parts []string) {
	quoted, start := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return append(parts, text[start:])
}

func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	return strings.ReplaceAll(text[1:len(text)-1], `\`, "")
}

// node reads an address with or without a port; the zero Addr for a name of a
// proxy's own (RFC 7239 section 6.3).
func node(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	ip, _ := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return ip.Unmap().WithZone("")
}

func proto(text string) string {
	if text = strings.ToLower(strings.TrimSpace(text)); text == "http" || text == "https" {
		return text
	}
	return ""
}

func host(text string) string {
	if text = strings.ToLower(strings.TrimSpace(text)); isHost(text) {
		return text
	}
	return ""
}

// ways are headers that only proxies send, besides those whose names begin as
// those of wayPrefixes do.
var (
	ways = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip",
		"Fastly-Client-Ip", "Fly-Client-Ip", "X-Originating-Ip", "X-Remote-Ip", "X-Envoy-External-Address"}
	wayPrefixes = []string{"X-Forwarded", "X-Original-", "X-Proxy", "Cf-", "X-Azure-", "X-Appengine-", "X-Amzn-"}
)

// isForwarded reports whether a request has come through a proxy that says so.
func isForwarded(header http.Header) bool {
	for name := range header {
		if slices.Contains(ways, name) ||
			slices.ContainsFunc(wayPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return true
		}
	}
	return false
}

func isXForwarded(header http.Header) bool {
	return len(header["X-Forwarded-For"])+len(header["X-Forwarded-Proto"])+len(header["X-Forwarded-Host"]) > 0
}
