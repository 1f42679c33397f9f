package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// minimum is the length below which a secret is too short to be told from other text.
const minimum = 4

// Masker finds secrets in text in any usual spelling: as they are, in one case
// (those with digits: in words it would find too much), in base64 of either
// alphabet (alone or amid other bytes, padded or not), in hex, and each of these escaped for JSON, URLs, forms, XML
// or HTML, up to three times over.
// The zero Masker knows no secrets; Reset and Add say which. It is not safe for
// concurrent use.
type Masker struct {
	secrets  []known
	spelled  []known // the secrets that needles are made of
	needles  []needle
	shortest int  // length of the shortest needle
	short    bool // a needle has no core
	cores    cores
	blanks   bool // a secret has a blank, for which forms write "+"
	spans    []span
}

// known is a secret that is looked for.
type known struct {
	text string
	kept bool // Kept takes its place, not Mask
}

// needle is one spelling of a secret that escapes may hide.
type needle struct {
	text   string
	core   string // a part of text that usual escapes leave alone, "" for none
	before int    // how many characters before it hold bits of the secret, too
	after  int    // and after it
	base64 bool   // padding may follow
	kept   bool   // as that of its secret
}

// Reset makes m look for no secrets. When the same ones are added again, what was
// made of them serves again.
func (m *Masker) Reset() {
	clear(m.secrets)
	m.secrets = m.secrets[:0]
}

// Add makes m look for a secret. Texts of less than four bytes are ignored. Of a
// secret that brings its scheme (“Bearer x”), x alone is looked for, too.
func (m *Masker) Add(secret string) { m.add(secret, false) }

// AddKept is Add for a part of an answer that is declared secret: Kept takes its
// place, which says so.
func (m *Masker) AddKept(secret string) { m.add(secret, true) }

func (m *Masker) add(secret string, kept bool) {
	secret = strings.TrimSpace(secret)
	if len(secret) < minimum || slices.ContainsFunc(m.secrets, func(k known) bool { return k.text == secret }) {
		return
	}
	m.secrets = append(m.secrets, known{secret, kept})
	if scheme, credential, ok := strings.Cut(secret, " "); ok && len(credential) >= credentialLength &&
		!strings.ContainsFunc(scheme, isNoLetter) {
		m.AddAuthorization(secret)
	}
}

// credentialLength is the length from which what follows a word and a blank is
// taken for a credential behind its scheme.
const credentialLength = 8

func isNoLetter(c rune) bool { return c != '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') }

// AddAuthorization makes m look for the credential in the value of an
// Authorization header, and for the user with the password and the password in
// that of Basic authentication.
func (m *Masker) AddAuthorization(header string) {
	scheme, credential, ok := strings.Cut(header, " ")
	if !ok || strings.ContainsFunc(scheme, isNoLetter) {
		m.Add(header) // without a scheme
		return
	}
	m.Add(credential)
	if !strings.EqualFold(scheme, "basic") {
		return
	}
	pair, err := base64.StdEncoding.DecodeString(credential)
	if _, password, ok := strings.Cut(string(pair), ":"); ok && err == nil {
		m.Add(string(pair))
		m.Add(password)
	}
}

// Mask returns text with *** where secrets stand, and Kept where those of AddKept do.
func (m *Masker) Mask(text string) string {
	if len(m.secrets) == 0 {
		return text
	}
	if !slices.Equal(m.secrets, m.spelled) {
		m.spell()
	}
	m.spans = m.spans[:0]
	if len(text) < m.shortest || !m.mayHold(text) {
		return text
	}
	m.search(view{text: text}, 0)
	if len(m.spans) == 0 {
		return text
	}
	slices.SortFunc(m.spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var out strings.Builder
	end := 0
	for _, s := range m.spans {
		if s.start >= end {
			out.WriteString(text[end:s.start])
			if s.kept {
				out.WriteString(Kept)
			} else {
				out.WriteString(Mask)
			}
		}
		end = max(end, s.end)
	}
	out.WriteString(text[end:])
	return out.String()
}

// MaskBytes is Mask for bytes. It returns text itself where it holds no secret.
func (m *Masker) MaskBytes(text []byte) []byte {
	if len(m.secrets) == 0 || len(text) < minimum {
		return text
	}
	if masked := m.Mask(string(text)); len(m.spans) > 0 {
		return []byte(masked)
	}
	return text
}

// embedded is the length from which a secret is looked for in base64 amid other
// bytes. Shorter ones would be found where they are not.
const embedded = 6

// spell makes the needles.
func (m *Masker) spell() {
	clear(m.needles)
	m.spelled, m.needles = append(m.spelled[:0], m.secrets...), m.needles[:0]
	m.blanks = slices.ContainsFunc(m.secrets, func(k known) bool { return strings.Contains(k.text, " ") })
	for _, k := range m.secrets {
		s, first := k.text, len(m.needles)
		m.needles = append(m.needles, needle{text: s}, needle{text: hex.EncodeToString([]byte(s))},
			needle{text: strings.ToUpper(hex.EncodeToString([]byte(s)))})
		// as hexadecimal keys and UUIDs
		if len(s) >= credentialLength && !strings.Contains(s, " ") && strings.ContainsAny(s, "0123456789") {
			m.needles = append(m.needles, needle{text: strings.ToLower(s)}, needle{text: strings.ToUpper(s)})
		}
		m.spellBase64(s)
		for i := range m.needles[first:] {
			m.needles[first+i].kept = k.kept
		}
	}
	m.shortest = len(m.needles[0].text)
	m.short, m.cores = false, cores{}
	for i := range m.needles {
		n := &m.needles[i]
		n.core = core(n.text)
		m.shortest, m.short = min(m.shortest, len(n.text)), m.short || n.core == ""
	}
}

// spellBase64 makes the needles of a secret in base64, alone or amid other bytes.
func (m *Masker) spellBase64(s string) {
	if len(s) < embedded {
		m.addBase64(needle{text: base64.RawStdEncoding.EncodeToString([]byte(s)), base64: true})
		return
	}
	for shift := range 3 { // bytes before it in its group of three
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift, shift+len(s)), s...))
		n := needle{text: encoded, base64: true}
		if (shift+len(s))%3 != 0 {
			n.text, n.after = encoded[:len(encoded)-1], 1
		}
		if shift > 0 {
			n.text, n.before = n.text[shift+1:], 1
		}
		m.addBase64(n)
	}
}

// core is the longest stretch of letters and digits, "" when it is too short to
// tell texts apart by.
func core(text string) string {
	longest := ""
	for run := range strings.FieldsFuncSeq(text,
		func(c rune) bool { return c >= utf8.RuneSelf || !isAlphanumeric(byte(c)) }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	if len(longest) < minimum {
		return ""
	}
	return longest
}

// mayHold reports whether a needle may stand in text, be it escaped: its core
// does, or letters and digits are escaped, too, which is not usual.
func (m *Masker) mayHold(text string) bool {
	if m.short || escapesAll(text) {
		return true
	}
	if len(text) < longText {
		return slices.ContainsFunc(m.needles, func(n needle) bool { return strings.Contains(text, n.core) })
	}
	return m.cores.in(text, m.needles)
}

// addBase64 adds n in both alphabets.
func (m *Masker) addBase64(n needle) {
	m.needles = append(m.needles, n)
	if strings.ContainsAny(n.text, "+/") {
		n.text = strings.NewReplacer("+", "-", "/", "_").Replace(n.text)
		m.needles = append(m.needles, n)
	}
}

// span is a stretch of the text that is masked.
type span struct {
	start, end int
	kept       bool
}

// search notes where the needles stand in v and in what its escapes stand for.
func (m *Masker) search(v view, depth int) {
	for _, n := range m.needles {
		for from := 0; ; {
			i := strings.Index(v.text[from:], n.text)
			if i < 0 {
				break
			}
			start := from + i
			end := start + len(n.text)
			from = end
			if n.base64 {
				start, end = v.group(start, end, n)
			}
			m.spans = append(m.spans, span{v.origin(start), v.origin(end), n.kept})
		}
	}
	if depth == escapesWithin {
		return
	}
	for e := range escapings {
		if e == form && !m.blanks {
			continue
		}
		if decoded, ok := v.decode(e); ok && len(decoded.text) >= m.shortest {
			m.search(decoded, depth+1)
		}
	}
}

// BareURL is a URL without the parts that may hold a credential: user, query and
// fragment. It is "" for what is no URL.
func BareURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// WithoutUser is a text that may be a URL with asterisks for its user, which may
// hold a password.
func WithoutUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if i := strings.LastIndexByte(authority, '@'); ok && i >= 0 {
		return scheme + "://" + Mask + rest[i:]
	}
	return text
}
