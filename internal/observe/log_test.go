package observe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
)

func TestNewLogger_masksWhatItKnows(t *testing.T) {
	const canary = `s3cret "quoted"`
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelDebug,
		func() []secret.String { return []secret.String{secret.New(canary), secret.New("ab")} })
	log.Info("calling with "+canary, "url", "http://x/?key="+canary, "error", errors.New("refused "+canary),
		"Authorization", "Bearer something-else", "n", 1)
	log.WithGroup("request").Debug("again", "set-cookie", "session=1", slog.Group("header", "x", canary))
	text := out.String()
	for _, leak := range []string{canary, `s3cret \"quoted\"`, "something-else", "session=1"} {
		if strings.Contains(text, leak) {
			t.Errorf("%s is in\n%s", leak, text)
		}
	}
	if strings.Count(text, secret.Mask) < 6 || !strings.Contains(text, "n=1") {
		t.Errorf("got\n%s", text)
	}
}

// What an API sends on a connection that waits comes into the standard log of
// net/http, quoted: of that nothing may be written.
func TestStandardLog_quotesNoAPI(t *testing.T) {
	flags, out := log.Flags(), &bytes.Buffer{}
	t.Cleanup(func() { log.SetFlags(flags); log.SetOutput(os.Stderr) })
	StandardLog(out)
	chatty, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer chatty.Close()
	go func() {
		conn, err := chatty.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\nyour key s3cret is bad\r\n")
		}
	}()
	transport := &http.Transport{}
	written := make(chan struct{})
	log.SetOutput(tee{log.Writer(), written})
	req, _ := http.NewRequest("GET", "http://"+chatty.Addr().String(), nil)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	select {
	case <-written:
	case <-time.After(10 * time.Second):
		t.Skip("net/http says nothing of what nobody asked for any more")
	}
	transport.CloseIdleConnections()
	if got := out.String(); strings.Contains(got, "s3cret") ||
		got != "fairlead: Unsolicited response received on idle HTTP channel starting with …\n" {
		t.Errorf("got %s", got)
	}
}

// tee says when a line was written.
type tee struct {
	w       io.Writer
	written chan struct{}
}

func (t tee) Write(line []byte) (int, error) {
	n, err := t.w.Write(line)
	close(t.written)
	return n, err
}

func TestNewLogger_keepsItsLevel(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, slog.LevelWarn, func() []secret.String { return nil }).Info("quiet")
	if out.Len() > 0 {
		t.Errorf("got %s", &out)
	}
}

func TestNewLogger_keepsWhatItMadeOfTheSameSecrets(t *testing.T) {
	var out bytes.Buffer
	known := []secret.String{secret.New("first/secret")}
	log := NewLogger(&out, slog.LevelInfo, func() []secret.String { return known })
	log.Info("a first/secret, b second/secret")
	known = append(known, secret.New("second/secret"))
	log.Info(`c first\/secret, d c2Vjb25kL3NlY3JldA`)
	if got := out.String(); strings.Contains(got, "first") || strings.Count(got, "second") != 1 ||
		strings.Contains(got, "c2Vjb25k") {
		t.Errorf("got %s", got)
	}
}
