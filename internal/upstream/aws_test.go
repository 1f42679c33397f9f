package upstream

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The credential and time of AWS's Signature Version 4 test suite.
func suiteCredential() (*aws, time.Time) {
	return &aws{id: "AKIDEXAMPLE", key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region: "us-east-1",
			service: "service"},
		time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
}

func TestAWS_signsAsTheSuiteOfAWS(t *testing.T) {
	for _, c := range []struct{ name, method, url, signature string }{
		{"get-vanilla", "GET", "https://example.amazonaws.com/",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST", "https://example.amazonaws.com/",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, at := suiteCredential()
			req := httptest.NewRequest(c.method, c.url, nil)
			if err := a.sign(nil, req, nil, at); err != nil {
				t.Fatal(err)
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + c.signature
			if got := req.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAWS_signsAmazonsOwnHeaders(t *testing.T) {
	a, at := suiteCredential()
	a.session, a.service = "session", "s3"
	req := httptest.NewRequest("PUT", "https://b.s3.amazonaws.com/a%20b?x=a+b", nil)
	req.Header.Set("X-Amz-Target", "Service.Operation")
	if err := a.sign(nil, req, []byte("body"), at); err != nil {
		t.Fatal(err)
	}
	if h := req.Header.Get("Authorization"); !strings.Contains(h,
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target,") {
		t.Errorf("header %s", h)
	}
	if req.URL.RawQuery != "x=a%20b" {
		t.Errorf("query %s", req.URL.RawQuery)
	}
}

func TestAWS_encodesPathsTwiceExceptForS3(t *testing.T) {
	req := httptest.NewRequest("GET", "https://x.test/a%20b/c:d", nil)
	for service, want := range map[string]string{"execute-api": "/a%2520b/c%3Ad", "s3": "/a%20b/c:d"} {
		if got := (&aws{service: service}).path(req); got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
	}
}
