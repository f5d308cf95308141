// Stands for Stripe.js in tests: the few calls that Stoa's pay page makes, with a field for a test card's number.
(() => {
  const api = "FAKE_URL";
  const cards = FAKE_CARDS;
  const ask = async (path, form) => {
    const reply = await fetch(api + path, { method: "POST", body: new URLSearchParams(form) });
    return reply.json();
  };
  window.Stripe = (key) => ({
    elements: ({ clientSecret }) => {
      const input = document.createElement("input");
      input.setAttribute("aria-label", "Card number");
      input.inputMode = "numeric";
      input.id = "fake-card-number";
      return {
        clientSecret,
        input,
        create: () => ({
          mount: (where) => {
            const at = typeof where === "string" ? document.querySelector(where) : where;
            at.append(input);
          },
          on: (what, fn) => {
            if (what === "ready") setTimeout(fn, 0);
          },
        }),
        submit: async () => ({}),
        fetchUpdates: async () => ({}),
      };
    },
    confirmPayment: async ({ elements, confirmParams }) => {
      const card = cards[elements.input.value.replace(/\s/g, "")];
      if (!card) return { error: { type: "validation_error", message: "Your card number is invalid." } };
      const secret = elements.clientSecret;
      const ref = secret.slice(0, secret.indexOf("_secret_"));
      const got = await ask("/v1/payment_intents/" + ref + "/confirm", {
        key,
        client_secret: secret,
        payment_method: card,
        return_url: confirmParams.return_url,
      });
      if (got.error) return { error: got.error };
      if (got.next_action) {
        window.location.assign(got.next_action.redirect_to_url.url);
        return new Promise(() => {});
      }
      return { paymentIntent: got };
    },
  });
})();
