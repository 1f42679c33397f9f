package adapter_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
)

// conn is a writer whose deadlines are noted, behind one that wraps it.
type conn struct {
	http.ResponseWriter
	read, write []time.Time
}

func (c *conn) SetReadDeadline(end time.Time) error  { c.read = append(c.read, end); return nil }
func (c *conn) SetWriteDeadline(end time.Time) error { c.write = append(c.write, end); return nil }

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestBody_hasTimeUntilItHasCome(t *testing.T) {
	c := &conn{ResponseWriter: httptest.NewRecorder()}
	b := adapter.NewBody(wrapped{c}, httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("text"))), 1<<20)
	if text, err := io.ReadAll(b); err != nil || string(text) != "text" {
		t.Fatal(string(text), err)
	}
	if len(c.read) != 2 || c.read[0].Before(time.Now().Add(40*time.Second)) || !c.read[1].IsZero() {
		t.Errorf("the deadlines are %v", c.read)
	}
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("te"), late{}))
	b = adapter.NewBody(httptest.NewRecorder(), r, 10)
	if _, err := io.ReadAll(b); err == nil || !b.Late() {
		t.Errorf("a body that does not come: %v", err)
	}
	var none *adapter.Body
	if none.Late() {
		t.Error("no body is late")
	}
}

type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestWrite_hasTimeForEachPiece(t *testing.T) {
	c := &conn{ResponseWriter: httptest.NewRecorder()}
	if err := adapter.Write(wrapped{c}, make([]byte, 800<<10)); err != nil || len(c.write) != 4 {
		t.Errorf("%d deadlines, %v", len(c.write), err)
	}
	if n := c.ResponseWriter.(*httptest.ResponseRecorder).Body.Len(); n != 800<<10 {
		t.Errorf("wrote %d", n)
	}
	if err := adapter.Write(failing{httptest.NewRecorder()}, []byte("x")); err == nil {
		t.Error("a writer that fails is no error")
	}
}

type failing struct{ http.ResponseWriter }

func (failing) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }
