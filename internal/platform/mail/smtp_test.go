package mail

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// post is a mail server that keeps what it takes and answers as it is told.
type post struct {
	t     *testing.T
	l     net.Listener
	cert  tls.Certificate
	trust *x509.CertPool

	implicit bool // TLS from the first byte
	noTLS    bool // offers none
	user     string
	password string

	mu      sync.Mutex
	answers map[string][]string // per command, used up one by one; "" hangs up; then the usual one
	taken   []envelope
	signIns int
}

// envelope is a letter as it arrived.
type envelope struct {
	From, To string
	Data     string
	Private  bool
	SignedIn bool
}

func newPost(t *testing.T, change func(*post)) *post {
	t.Helper()
	p := &post{t: t, answers: map[string][]string{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p.cert, p.trust = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, x509.NewCertPool()
	p.trust.AddCert(leaf)
	if change != nil {
		change(p)
	}
	if p.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			c, err := p.l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { p.talk(c) })
		}
	})
	t.Cleanup(func() { p.l.Close(); talks.Wait() })
	return p
}

func (p *post) port() int { return p.l.Addr().(*net.TCPAddr).Port }

// answer returns what is said to a command: the next scripted answer, else the usual one.
func (p *post) answer(command, usual string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if list := p.answers[command]; len(list) > 0 {
		p.answers[command] = list[1:]
		return list[0]
	}
	return usual
}

func (p *post) letters() []envelope {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]envelope(nil), p.taken...)
}

// talk serves one connection.
func (p *post) talk(c net.Conn) {
	defer func() { c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	private := p.implicit
	if p.implicit {
		c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
	}
	r := bufio.NewReader(c)
	say := func(s string) bool {
		if s == "" {
			return false
		}
		_, err := c.Write([]byte(s + "\r\n"))
		return err == nil
	}
	if !say(p.answer("connect", "220 mail.test")) {
		return
	}
	e := envelope{}
	signedIn := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		command = strings.ToUpper(command)
		var ok bool
		switch command {
		case "EHLO":
			ext := "250-mail.test\r\n250-ENHANCEDSTATUSCODES\r\n"
			if !private && !p.noTLS {
				ext += "250-STARTTLS\r\n"
			}
			if p.user != "" {
				ext += "250-AUTH PLAIN\r\n"
			}
			ok = say(ext + "250 8BITMIME")
		case "STARTTLS":
			if ok = say("220 go"); ok {
				c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
				r, private = bufio.NewReader(c), true
			}
		case "AUTH":
			signedIn = p.knows(rest)
			if ok = say("235 2.7.0 welcome"); !signedIn {
				ok = true
			}
			if !signedIn {
				return
			}
		case "MAIL":
			e = envelope{From: between(rest), Private: private, SignedIn: signedIn}
			ok = say(p.answer("MAIL", "250 2.1.0 ok"))
		case "RCPT":
			e.To = between(rest)
			ok = say(p.answer("RCPT", "250 2.1.5 ok"))
		case "DATA":
			if ok = say(p.answer("DATA", "354 go on")); ok {
				data, err := textproto.NewReader(r).ReadDotBytes()
				if err != nil {
					return
				}
				ok = p.keep(&e, data, say)
			}
		case "QUIT":
			say(p.answer("QUIT", "221 bye"))
			return
		default:
			ok = say("250 2.0.0 ok")
		}
		if !ok {
			return
		}
	}
}

// keep takes a letter unless the answer after its last line refuses it. Where the answer is to hang up, the letter was taken.
func (p *post) keep(e *envelope, data []byte, say func(string) bool) bool {
	answer := p.answer("end", "250 2.0.0 kept")
	if answer == "" || strings.HasPrefix(answer, "250") {
		e.Data = string(bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")))
		p.mu.Lock()
		p.taken = append(p.taken, *e)
		p.mu.Unlock()
	}
	return say(answer)
}

func (p *post) knows(rest string) bool {
	_, secret, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(secret)
	p.mu.Lock()
	p.signIns++
	p.mu.Unlock()
	return err == nil && string(plain) == "\x00"+p.user+"\x00"+p.password
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
