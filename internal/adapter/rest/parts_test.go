package rest

import (
	"testing"

	"github.com/fairlead/fairlead/internal/plan"
)

func FuzzReadParts(f *testing.F) {
	for _, body := range []string{"", "--b--", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--",
		"--b\r\n", "--c--",
		"--b\r\nContent-Disposition: form-data; name=\"f[x]\"; filename=\"../a\"\r\nContent-Type: a/b; c=\",\"\r\n\r\n\x00\r\n--b--"} {
		f.Add(body)
	}
	op := operationOf("POST", "/x", input("a", plan.InBody, ""), input("f", plan.InBody, "object"),
		input("l", plan.InBody, "array"))
	op.Unit.ReadMultipart = true
	inv := &invoker{}
	h := handlerOf(inv, op)
	f.Fuzz(func(t *testing.T, body string) {
		if w := do(h, "POST", "/x", body, "Content-Type: multipart/form-data; boundary=b"); w.Code != 200 &&
			w.Code != 400 {
			t.Errorf("got %d: %s", w.Code, w.Body)
		}
	})
}
