//! What a learner does in the page, and a witness who knows only what the server says.

use crate::browser::Browser;
use crate::site::Site;
use serde_json::Value;
use serde_json::json;

/// Signs `name` in and waits for the view that follows.
pub fn sign_in(page: &mut impl Browser, site: &Site, name: &str) {
    page.visit(site, "#/sign-in");
    enter(page, name);
    page.wait("document.querySelector('.course')");
}

/// Fills in the form to sign in, which is open.
pub fn enter(page: &mut impl Browser, name: &str) {
    page.wait("document.querySelector('#name')");
    page.eval(&format!(
        "(() => {{ document.querySelector('#name').value = '{name}';
           document.querySelector('.sign-in button').click(); }})()"
    ));
    page.wait(&format!(
        "document.querySelector('#who .name').textContent === '{name}'
         && !document.querySelector('#name')"
    ));
}

/// Signs out, by the learner's own page.
pub fn sign_out(page: &mut impl Browser) {
    page.eval("void (location.hash = '#/me')");
    page.wait("document.querySelector('#sign-out')");
    page.eval("document.querySelector('#sign-out').click()");
    page.wait("!document.querySelector('#who').dataset.who");
}

/// Moves to a view without loading the page anew, and waits until `condition` holds there.
pub fn turn_to(page: &mut impl Browser, view: &str, condition: &str) {
    page.eval(&format!("void (location.hash = '{view}')"));
    page.wait(condition);
}

/// Plays until `second`, then pauses.
pub fn play_until(page: &mut impl Browser, second: f64) {
    page.eval("video.play()");
    page.wait(&format!("video.currentTime > {second}"));
    page.eval("video.pause()");
}

/// Waits until nothing of the current learner waits to be sent.
pub fn all_sent(page: &mut impl Browser) {
    page.wait("document.querySelector('#who').dataset.waiting === '0'");
}

/// Waits until the server's state `s` of the learner fulfils `condition`, as another device of the
/// learner is told it; gives the state.
pub fn told(page: &mut impl Browser, name: &str, condition: &str) -> Value {
    let told = page.eval(
        &WITNESS
            .replace("NAME", &json!(name).to_string())
            .replace("CONDITION", condition),
    );
    assert!(
        told["held"] == true,
        "never {condition}: the server says {told}"
    );
    told["s"].clone()
}

/// The state of a save, below an item.
pub fn save_of(kind: &str) -> String {
    format!("document.querySelector('[data-kind={kind}] .saving').dataset.save")
}

/// Asks over a session and a device of its own.
const WITNESS: &str = "(async () => {
    const call = async (method, path, token, body) => {
      const headers = { 'content-type': 'application/json' };
      if (token) headers.authorization = `Bearer ${token}`;
      const reply = await fetch(path, { method, headers, credentials: 'omit', cache: 'no-store',
        body: body && JSON.stringify(body) });
      return reply.status === 204 ? null : reply.json();
    };
    const device = '00000000-0000-4000-8000-00000000000f';
    window.witness ??= {};
    const held = (s) => { try { return Boolean(CONDITION); } catch { return false; } };
    const until = Date.now() + 60000;
    for (let s = null; ; ) {
      try {
        if (!window.witness[NAME]) {
          const proof = await call('POST', '/v1/dev/token', null, { learner: NAME });
          const begun = await call('POST', '/v1/sessions', proof.token, { device });
          window.witness[NAME] = begun.session;
        }
        s = await call('GET', '/v1/session', window.witness[NAME]);
      } catch { /* asked again */ }
      if (s && held(s)) return { held: true, s };
      if (Date.now() > until) return { held: false, s };
      await new Promise((done) => setTimeout(done, 200));
    }
  })()";
