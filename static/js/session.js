// Requests to this site, and what happens when the session ran out: the sign-in form opens over the
// page, and the request goes out again once it succeeded. Nothing typed or chosen is lost.

export class SignedOut extends Error {
  constructor() {
    super("You are signed out. Sign in to go on.");
  }
}

/** The CSRF token; read for each request, since signing in changes it. */
export function csrfToken() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? decodeURIComponent(found[1]) : "";
}

/** Headers that mark a request as a script's, so that errors come back as JSON, and say whose page
    asks: where somebody else signed in meanwhile, the server does nothing. */
export function scriptHeaders() {
  return {
    "X-Requested-With": "fetch",
    "X-CSRFToken": csrfToken(),
    "X-Page-Of": document.body.dataset.user,
    Accept: "application/json",
  };
}

/** `fetch` with those headers. On 401 asks to sign in, then repeats the request; rejects with
    SignedOut when the person closes the form instead. Where the cookie with the CSRF token was lost
    the answer brings a new one, and the request goes out again. Other answers are returned as they
    are. */
export async function send(url, options = {}) {
  const attempt = () =>
    fetch(url, { ...options, headers: { ...options.headers, ...scriptHeaders() } });
  let response = await attempt();
  if (response.headers.has("X-CSRF-Renewed")) response = await attempt();
  while (response.status === 401) {
    const { message } = await response.json().catch(() => ({}));
    await signIn(message);
    response = await attempt();
  }
  return response;
}

let waiting = null;

/** Open the sign-in form over the page, saying why; resolves when signed in. Any number of callers
    share one form. Somebody else signing in gets a fresh page: this one belongs to another account. */
export function signIn(why = "Your session ended.") {
  waiting ??= ask(why).finally(() => {
    waiting = null;
  });
  return waiting;
}

function ask(why) {
  const dialog = document.getElementById("sign-in-dialog");
  const form = dialog.querySelector("form");
  return new Promise((resolve, reject) => {
    const finish = (outcome) => {
      form.removeEventListener("submit", submit);
      dialog.removeEventListener("close", closed);
      if (dialog.open) dialog.close();
      form.reset();
      outcome();
    };
    const closed = () => finish(() => reject(new SignedOut()));
    const submit = async (event) => {
      event.preventDefault();
      const answer = await tryToSignIn(form);
      if (!answer) return;
      if (String(answer.user) !== document.body.dataset.user) {
        document.dispatchEvent(new Event("user-changed"));
        location.assign("/");
        return;
      }
      finish(resolve);
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener("close", closed);
    say(form, "");
    dialog.querySelector("[data-why-sign-in]").textContent = why;
    if (!dialog.open) dialog.showModal();
    form.querySelector("[type=password]").focus();
  });
}

async function tryToSignIn(form) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  say(form, "");
  try {
    const body = new FormData(form);
    body.set("csrfmiddlewaretoken", csrfToken()); // another tab may have signed in since the page came
    const response = await fetch(form.action, { method: "POST", body, headers: scriptHeaders() });
    if (response.ok) return await response.json();
    say(form, await sentence(response));
  } catch {
    say(form, "The site cannot be reached. Check the connection and try again.");
  } finally {
    button.disabled = false;
  }
  return null;
}

function say(form, text) {
  const place = form.querySelector("[data-error]");
  place.textContent = text;
  place.hidden = !text;
}

/** The sentence a failed answer carries, or one that fits its status. */
export async function sentence(response) {
  try {
    const { message } = await response.json();
    if (message) return message;
  } catch {
    // Not JSON: a proxy or a crash answered.
  }
  return response.status >= 500
    ? "The site had a problem. Try again in a moment."
    : "That did not work. Reload the page and try again.";
}

for (const button of document.querySelectorAll("#sign-in-dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

// htmx sends through the same door.
document.addEventListener("htmx:configRequest", (event) => {
  const { "X-CSRFToken": token, "X-Page-Of": user } = scriptHeaders();
  Object.assign(event.detail.headers, { "X-CSRFToken": token, "X-Page-Of": user });
});
document.addEventListener("htmx:responseError", async (event) => {
  const { xhr, requestConfig, target } = event.detail;
  if (xhr.status !== 401) return;
  await signIn();
  window.htmx.ajax(requestConfig.verb, requestConfig.path, {
    source: requestConfig.elt,
    target,
    values: requestConfig.unfilteredParameters,
  });
});
