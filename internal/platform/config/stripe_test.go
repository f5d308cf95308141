package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestStripeIsSetWholeOrNotAtAll(t *testing.T) {
	good := "[stripe]\nsecret_key = 'sk_test_1'\npublishable_key = 'pk_test_1'\nwebhook_secret = 'whsec_new,whsec_old'\n"
	c, err := load(t, nil, nil, good)
	if err != nil || !c.Stripe.On() || c.Stripe.Live() || len(c.Stripe.WebhookSecrets()) != 2 {
		t.Fatalf("%v, on %v, live %v, secrets %d", err, c.Stripe.On(), c.Stripe.Live(), len(c.Stripe.WebhookSecrets()))
	}
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%#v", c), fmt.Sprintf("%+v", c.Stripe), string(js)} {
		if strings.Contains(shown, "sk_test_1") || strings.Contains(shown, "whsec_") {
			t.Errorf("a secret is shown: %.300s", shown)
		}
	}
	for what, bad := range map[string]string{
		"a live key with a test key": strings.Replace(good, "pk_test", "pk_live", 1),
		"no secret for webhooks":     strings.Replace(good, "whsec_new,whsec_old", "", 1),
		"a publishable secret key":   strings.Replace(good, "sk_test_1", "pk_test_1", 1),
		"plain http":                 good + "url = 'http://api.example.com'\n",
		"accounts without a key":     "[stripe]\nconnect = true\n",
	} {
		_, err := load(t, nil, nil, bad)
		if err == nil {
			t.Errorf("%s is taken", what)
		} else if strings.Contains(err.Error(), "sk_test_1") {
			t.Errorf("%s: the secret is in the error", what)
		}
	}
}
