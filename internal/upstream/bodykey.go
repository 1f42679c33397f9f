package upstream

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/value"
)

// BodyKey is an API key that is a member of the body: of a JSON object, of a form,
// or a part of a multipart body. It takes the place of what has its name there.
type BodyKey struct {
	Name        string
	Value       expr.Expr
	ContentType string // of the body that the key is where the request has none
}

func (k *BodyKey) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	text := r.need("the API key", k.Value)
	return query, &keyed{name: k.Name, text: text, contentType: k.ContentType}, r.err
}

// keyed puts an API key into the body of one call, which it reads for that.
type keyed struct{ name, text, contentType string }

func (k *keyed) authorize(c *Client, o *Outbound, next sender) (*http.Response, error) {
	if err := hold(o.Request, c.limits.Request); err != nil {
		return nil, err
	}
	if err := k.put(o.Request); err != nil {
		return nil, err
	}
	return next(o)
}

func (k *keyed) show(req *http.Request) {
	if req != nil {
		_ = k.put(req) // the problem is said when it is sent
	}
}

// put writes the key into the body of req, which can be read again.
func (k *keyed) put(req *http.Request) error {
	body, err := content(req)
	if err != nil {
		return err
	}
	if coding := req.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &InputError{Name: "body", Reason: "is encoded, so that the API key cannot be put into it"}
	}
	contentType := req.Header.Get("Content-Type")
	if len(bytes.TrimSpace(body)) == 0 {
		switch req.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			return &InputError{Name: "body", Reason: "is not there: the API key is a member of it"}
		}
		body, contentType = nil, k.contentType
		req.Header["Content-Type"] = []string{contentType}
	}
	media, parameters, _ := mime.ParseMediaType(contentType)
	switch {
	case media == "application/x-www-form-urlencoded":
		body = k.inForm(body)
	case media == "multipart/form-data":
		body, err = k.inParts(body, parameters["boundary"])
	case media == "" || IsJSON(media):
		body, err = k.inObject(body)
	default:
		err = errNoMembers
	}
	if err != nil {
		return &InputError{Name: "body", Reason: err.Error()}
	}
	setBody(req, body, "")
	return nil
}

var errNoMembers = errors.New("must be a JSON object or a form: the API key is a member of it")

// IsJSON reports whether a media type in lower case, without parameters, is one of
// JSON (RFC 6839 section 3.1).
func IsJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// inForm is a form with the key at its end.
func (k *keyed) inForm(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(k.name)+len(k.text)+2)
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		name, _, _ := bytes.Cut(pair, []byte("="))
		if plain, err := url.QueryUnescape(string(name)); len(pair) == 0 || err == nil && plain == k.name {
			continue
		}
		out = append(append(out, pair...), '&')
	}
	out = append(append(out, url.QueryEscape(k.name)...), '=')
	return append(out, url.QueryEscape(k.text)...)
}

// inObject is a JSON object with the key at its end.
func (k *keyed) inObject(body []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(body)+len(k.name)+len(k.text)+8), '{')
	if len(body) > 0 {
		d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
		if begin, err := d.ReadToken(); err != nil || begin.Kind() != '{' {
			return nil, errNoMembers
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, errNoMembers
			}
			member := name.String()
			v, err := d.ReadValue()
			if err != nil {
				return nil, errNoMembers
			}
			if member != k.name {
				out = append(value.AppendString(out, member), ':')
				out = append(append(out, v...), ',')
			}
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, errNoMembers
		}
		if _, err := d.ReadToken(); err != io.EOF {
			return nil, errNoMembers
		}
	}
	out = append(value.AppendString(out, k.name), ':')
	return append(value.AppendString(out, k.text), '}'), nil
}

// inParts is a multipart body with the key as its first part.
func (k *keyed) inParts(body []byte, boundary string) ([]byte, error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.SetBoundary(boundary); err != nil {
		return nil, errNoMembers
	}
	key, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": []string{`form-data; name="` +
		quoted.Replace(k.name) + `"`}})
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(key, k.text); err != nil {
		return nil, err
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errors.New("has parts that cannot be read")
		}
		if part.FormName() == k.name {
			continue
		}
		copied, err := w.CreatePart(part.Header)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(copied, part); err != nil {
			return nil, errors.New("has parts that cannot be read")
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
