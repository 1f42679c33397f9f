package compile

import "testing"

func TestIsPlain(t *testing.T) {
	for name, want := range map[string]bool{
		"TENANT": true, "TENANT_ID": true, "api-version": true, "AWS_REGION": true, "PROJECT_NAME": true,
		"ID": false, "CRED": false, "SESSION_ID": false, "WEBHOOK_URL": false, "ACCOUNT_KEY": false,
		"TOKEN_REGION": false, "": false,
	} {
		if got := isPlain(name); got != want {
			t.Errorf("isPlain(%q) = %v", name, got)
		}
	}
}
