package format

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// What plainHTML leaves out. Rebuilding formatting elements that were left open
// is what makes the HTML algorithm quadratic; the others hold no tables.
var (
	noElement = map[atom.Atom]bool{ // their tags, not what is in them
		atom.A: true, atom.B: true, atom.Big: true, atom.Code: true, atom.Em: true, atom.Font: true, atom.I: true,
		atom.Nobr: true, atom.S: true, atom.Small: true, atom.Strike: true, atom.Strong: true, atom.Tt: true,
		atom.U:        true,
		atom.Noscript: true, atom.Template: true, atom.Frameset: true, atom.Frame: true,
	}
	noContent = map[atom.Atom]bool{ // all of it
		atom.Script: true, atom.Style: true, atom.Title: true, atom.Iframe: true, atom.Noembed: true,
		atom.Noframes:  true,
		atom.Plaintext: true, atom.Xmp: true, atom.Textarea: true, atom.Svg: true, atom.Math: true,
	}
	onlyOnce = map[atom.Atom]bool{atom.Html: true, atom.Head: true, atom.Body: true} // repeats merge attributes, slowly
	void     = map[atom.Atom]bool{                                                   // elements that hold nothing
		atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true,
		atom.Img:   true,
		atom.Input: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true,
		atom.Wbr: true,
	}
)

const (
	htmlDepth = 512 // where the parser gives up
	// htmlWork is how many elements the parser may look through, which it does at
	// a tag for those open around it.
	htmlWork = 100_000_000
	// htmlToken is how many bytes one tag or text may have: what the tokenizer keeps
	// of the attributes of a tag, before anybody has counted them, is many times that.
	htmlToken = 4 << 20
)

// plainHTML writes the page anew with nothing in it but what tables are made of,
// so that parsing it takes time and memory in proportion to its length whatever
// its author had in mind.
func plainHTML(text []byte, left *allowance) ([]byte, error) {
	p := plainPage{out: bytes.NewBuffer(make([]byte, 0, len(text))), open: map[string]int{}, once: map[atom.Atom]bool{}}
	z := html.NewTokenizer(bytes.NewReader(text))
	z.SetMaxBuf(htmlToken)
	for {
		kind := z.Next()
		switch {
		case kind != html.ErrorToken:
		case errors.Is(z.Err(), html.ErrBufferExceeded):
			return nil, fail("a tag or text of the page is longer than 4 MiB")
		case z.Err() != io.EOF:
			return nil, foreign(-1, z.Err())
		default:
			return p.out.Bytes(), nil
		}
		t, err := nextToken(z, kind, left)
		if err != nil {
			return nil, err
		}
		if t.DataAtom == atom.Noscript && kind == html.StartTagToken {
			z.NextIsNotRawText() // scripts do not run here, so what stands in for them counts
		}
		if p.keeps(t) {
			p.out.WriteString(t.String())
		}
		if p.work > htmlWork {
			return nil, fail("the page is nested too heavily to be read")
		}
	}
}

// nextToken is the token at which z stands; its attributes count.
func nextToken(z *html.Tokenizer, kind html.TokenType, left *allowance) (html.Token, error) {
	if err := left.take(1); err != nil {
		return html.Token{}, err
	}
	if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
		return z.Token(), nil
	}
	name, more := z.TagName()
	t := html.Token{Type: kind, DataAtom: atom.Lookup(name), Data: string(name)}
	for more {
		if err := left.take(1); err != nil {
			return html.Token{}, err
		}
		var key, val []byte
		key, val, more = z.TagAttr()
		t.Attr = append(t.Attr, html.Attribute{Key: atom.String(key), Val: string(val)})
	}
	return t, nil
}

// plainPage is a page on its way out.
type plainPage struct {
	out     *bytes.Buffer
	skipped atom.Atom // the element whose content is left out,
	within  int       // and how often it is open
	once    map[atom.Atom]bool
	open    map[string]int // start tags without an end tag, by name
	depth   int            // all of them together
	work    int
}

// keeps decides about the next token.
func (p *plainPage) keeps(t html.Token) bool {
	start, end := t.Type == html.StartTagToken, t.Type == html.EndTagToken
	switch {
	case p.within > 0:
		if t.DataAtom == p.skipped && start {
			p.within++
		} else if t.DataAtom == p.skipped && end {
			p.within--
		}
		return false
	case t.Type == html.CommentToken, noElement[t.DataAtom]:
		return false
	case noContent[t.DataAtom]:
		if start {
			p.skipped, p.within = t.DataAtom, 1
		}
		return false
	case start && onlyOnce[t.DataAtom]:
		if p.once[t.DataAtom] {
			return false
		}
		p.once[t.DataAtom] = true
	}
	switch {
	case t.Type == html.TextToken || void[t.DataAtom]:
	case end && p.open[t.Data] > 0:
		p.open[t.Data]--
		p.depth--
	case !end:
		p.open[t.Data]++
		p.depth++
	}
	p.work += min(p.depth, htmlDepth)
	return true
}
