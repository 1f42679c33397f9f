package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit/redis"
)

// TestRedis_downIsNoSignOut: a store that is away is an error that names it, never
// “nobody is signed in”, and what it holds is there when it is back.
func TestRedis_downIsNoSignOut(t *testing.T) {
	server := redis.Start(t)
	r := openRedis(t, "redis://"+server.Addr)
	r.budget = 100 * time.Millisecond
	v := NewVault(r, sealer(t, master), nil)
	ins := NewSignIns(v)
	if err := v.Put(t.Context(), key("alice"), session("token", time.Hour)); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	renew := func(context.Context, *Session) (*Session, error) {
		t.Error("renewed without a lock")
		return session("new", time.Hour), nil
	}
	for what, try := range map[string]func() error{
		"Get": func() error { _, err := v.Get(t.Context(), key("alice")); return err },
		"Use": func() error { _, err := v.Use(t.Context(), key("alice"), renew); return err },
		"Rejected": func() error {
			_, err := v.Rejected(t.Context(), key("alice"), session("token", 0),
				renew)
			return err
		},
		"Put":     func() error { return v.Put(t.Context(), key("alice"), session("token", time.Hour)) },
		"Delete":  func() error { return v.Delete(t.Context(), key("alice")) },
		"List":    func() error { _, _, err := v.List(t.Context()); return err },
		"Ask":     func() error { _, err := ins.Ask(t.Context(), key("alice"), Asked{}); return err },
		"Find":    func() error { _, err := ins.Find(t.Context(), "handle", key("alice").Principal); return err },
		"Attempt": func() error { return ins.Attempt(t.Context(), "handle", key("alice").Principal) },
	} {
		err := try()
		if err == nil || errors.Is(err, ErrSignIn) || errors.Is(err, ErrNoHandle) ||
			!strings.Contains(err.Error(), server.Addr) {
			t.Errorf("%s: %v", what, err)
		}
	}
	server.Restart()
	r.budget = redisBudget
	if _, err := v.Get(t.Context(), key("alice")); !errors.Is(err, ErrSignIn) { // it keeps nothing on disk here
		t.Errorf("when it is back: %v", err)
	}
	if err := v.Put(t.Context(), key("alice"), session("token", time.Hour)); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// TestRedis_outlivesAShortAbsence: a command that meets a server in restart is
// answered after it, so that no rotated token is lost to it.
func TestRedis_outlivesAShortAbsence(t *testing.T) {
	server := redis.Start(t)
	r := openRedis(t, "redis://"+server.Addr)
	server.Stop()
	stored := make(chan error)
	go func() { stored <- r.Put(t.Context(), "id", []byte("sealed"), time.Now().Add(time.Hour)) }()
	server.Restart()
	if err := <-stored; err != nil {
		t.Error(err)
	}
}

func TestRedis_entriesEnd(t *testing.T) {
	r := openRedis(t, "redis://"+redis.Start(t).Addr)
	if err := r.Put(t.Context(), "id", []byte("sealed"), time.Now().Add(20*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { _, err := r.Get(t.Context(), "id"); return errors.Is(err, ErrNone) })
	if ids, err := r.IDs(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("left %v, %v", ids, err)
	}
}

func waitUntil(t *testing.T, true func() bool) {
	t.Helper()
	for range 1000 {
		if true() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not happen")
}

// TestRedis_lockEndsWithItsHolder: a lock lasts as long as its holder works,
// however long that is, and ends by itself when the holder is gone.
func TestRedis_lockEndsWithItsHolder(t *testing.T) {
	address := "redis://" + redis.Start(t).Addr
	gone, waits := openRedis(t, address), openRedis(t, address)
	gone.life, waits.life = 300*time.Millisecond, 300*time.Millisecond
	release, err := gone.Lock(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*gone.life)
	defer cancel()
	if _, err := waits.Lock(ctx, "id"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the lock of a holder that works ends: %v", err)
	}
	gone.Close() // its process is killed: it neither prolongs nor releases
	free, err := waits.Lock(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	release() // too late: the lock is another's
	if taken, err := waits.script(t.Context(), takeLock, "id", "a third"); err != nil || taken {
		t.Errorf("a late release ends another's lock: %v, %v", taken, err)
	}
	free()
	if taken, err := waits.script(t.Context(), takeLock, "id", "a third"); err != nil || !taken {
		t.Errorf("a released lock is not free: %v, %v", taken, err)
	}
}

// TestRedis_addresses: the address reaches the server by password, number and TLS,
// and what is wrong is said without the password.
func TestRedis_addresses(t *testing.T) {
	ca, args := authority(t)
	plain, locked := redis.Start(t), redis.Start(t, "--requirepass", "pass word/")
	secure := redis.Start(t, args...)
	_, port, _ := net.SplitHostPort(locked.Addr)
	cases := []struct{ address, problem string }{
		{"redis://" + plain.Addr, ""},
		{"valkey://" + plain.Addr + "/3", ""},
		{"redis://:pass%20word%2F@" + locked.Addr, ""},
		{"redis://default:pass%20word%2F@localhost:" + port, ""},
		{"rediss://" + secure.Addr + "?ca=" + ca, ""},
		{"valkeys://" + secure.Addr + "?ca=" + ca, ""},
		{"redis://:wrong-canary@" + locked.Addr, "WRONGPASS"},
		{"redis://" + locked.Addr, "NOAUTH"},
		{"rediss://" + secure.Addr, "certificate"},
		{"rediss://:canary@" + secure.Addr + "?skip_verify=true", "the option “skip_verify”"},
		{"redis://:canary@" + secure.Addr + "?ca=" + ca, "use rediss or valkeys"},
		{"redis://:canary@127.0.0.1:1", "cannot be reached"},
		{"redis://:canary@127.0.0.1:1/canary", "must be a number"},
		{"redis://:canary%zz@127.0.0.1", "the address of a store of sessions is"},
		{"redis:///0", "the address of a store of sessions is"},
	}
	for _, c := range cases {
		r, err := OpenRedis(c.address)
		if err == nil {
			err = r.Put(t.Context(), "id", []byte{0, 255, '\r', '\n'}, time.Time{})
			if got, e := r.Get(t.Context(), "id"); err == nil && (e != nil || string(got) != "\x00\xff\r\n") {
				t.Errorf("%s: got %q, %v", c.address, got, e)
			}
			r.Close()
		}
		if c.problem == "" && err != nil || c.problem != "" &&
			(err == nil || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("%s: %v", c.address, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

// TestRedis_needsNoMore: a user who may do what docs/sessions.md says may do all that
// is needed.
func TestRedis_needsNoMore(t *testing.T) {
	server := redis.Start(t, "--user", "fairlead", "on", ">secret", "~fairlead:*",
		"+ping", "+get", "+set", "+del", "+pexpire", "+eval", "+scan", "+cluster|slots")
	r := openRedis(t, "redis://fairlead:secret@"+server.Addr)
	r.life = 30 * time.Millisecond
	v := NewVault(r, sealer(t, master), nil)
	release, err := r.Lock(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * r.life) // it is prolonged meanwhile
	release()
	if err := v.Put(t.Context(), key("alice"), session("token", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list, _, err := v.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("listed %d, %v", len(list), err)
	}
	if err := v.Delete(t.Context(), key("alice")); err != nil {
		t.Error(err)
	}
}

// tell sends a line to a server and returns what it answers.
func tell(t *testing.T, server *redis.Server, line string) string {
	t.Helper()
	c, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s\r\n", line)
	answer := make([]byte, 4096)
	n, _ := c.Read(answer)
	return string(answer[:n])
}

// TestRedis_cluster: every command names one key only, and goes to the server that
// has it, as a cluster wants it.
func TestRedis_cluster(t *testing.T) {
	one, two := redis.Start(t, "--cluster-enabled", "yes"), redis.Start(t, "--cluster-enabled", "yes")
	tell(t, one, "CLUSTER ADDSLOTSRANGE 0 8191")
	tell(t, two, "CLUSTER ADDSLOTSRANGE 8192 16383")
	tell(t, one, "CLUSTER MEET "+strings.Replace(two.Addr, ":", " ", 1))
	for _, server := range []*redis.Server{one, two} {
		waitUntil(t, func() bool { return strings.Contains(tell(t, server, "CLUSTER INFO"), "cluster_state:ok") })
	}
	if got := tell(t, one, "CLUSTER KEYSLOT "+redisEntry+"id"); got != fmt.Sprintf(":%d\r\n", slot(redisEntry+"id")) {
		t.Errorf("the slot is %q, not %d", got, slot(redisEntry+"id"))
	}
	r := openRedis(t, "redis://"+one.Addr)
	v := NewVault(r, sealer(t, master, older), nil)
	for i := range 20 {
		k := key(fmt.Sprint("person ", i))
		if err := v.Put(t.Context(), k, session("token", time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Use(t.Context(), k, nil); err != nil {
			t.Error(err)
		}
	}
	if len(r.servers.slots) == 0 {
		t.Error("no command was sent to the other server")
	}
	if list, _, err := v.List(t.Context()); err != nil || len(list) != 20 {
		t.Errorf("listed %d, %v", len(list), err)
	}
	// A slot on its way from one to the other: what is not there yet is asked for there.
	id := "id"
	for slot(redisEntry+id) > 8191 {
		id += "'"
	}
	nodes := map[*redis.Server]string{}
	for _, server := range []*redis.Server{one, two} {
		nodes[server] = strings.Fields(tell(t, server, "CLUSTER MYID"))[1]
	}
	tell(t, two, fmt.Sprintf("CLUSTER SETSLOT %d IMPORTING %s", slot(redisEntry+id), nodes[one]))
	tell(t, one, fmt.Sprintf("CLUSTER SETSLOT %d MIGRATING %s", slot(redisEntry+id), nodes[two]))
	if err := r.Put(t.Context(), id, []byte("sealed"), time.Time{}); err != nil {
		t.Error(err)
	}
	if got, err := r.Get(t.Context(), id); err != nil || string(got) != "sealed" {
		t.Errorf("on the way: %q, %v", got, err)
	}
}

// TestRedis_sentinels: the server is the one that sentinels name, also after another
// has become it, and the sentinels that are away are passed over.
func TestRedis_sentinels(t *testing.T) {
	first, second := redis.Start(t), redis.Start(t)
	sentinel := redis.Sentinel(t, "sessions", first)
	r := openRedis(t, "redis://"+sentinel.Addr+"?master_set=sessions&addr=127.0.0.1:1")
	if err := r.Put(t.Context(), "id", []byte("sealed"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := tell(t, first, "GET "+redisEntry+"id"); !strings.Contains(got, "sealed") {
		t.Errorf("it went elsewhere: %s", got)
	}
	tell(t, sentinel, "SENTINEL REMOVE sessions")
	tell(t, sentinel, "SENTINEL MONITOR sessions "+strings.Replace(second.Addr, ":", " ", 1)+" 1")
	first.Stop()
	if err := r.Put(t.Context(), "id", []byte("sealed again"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := tell(t, second, "GET "+redisEntry+"id"); !strings.Contains(got, "sealed again") {
		t.Errorf("it went elsewhere: %s", got)
	}
	if _, err := OpenRedis("redis://" + sentinel.Addr + "?master_set=other"); err == nil ||
		!strings.Contains(err.Error(), "knows no server “other”") {
		t.Errorf("a name that nobody knows: %v", err)
	}
}

// authority is a file with a new certificate of 127.0.0.1, and what makes
// redis-server use it.
func authority(t *testing.T) (file string, args []string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file = write("cert.pem", "CERTIFICATE", certificate)
	return file, []string{"--tls-cert-file", file, "--tls-key-file", write("key.pem", "PRIVATE KEY", text),
		"--tls-ca-cert-file", file, "--tls-auth-clients", "no"}
}
