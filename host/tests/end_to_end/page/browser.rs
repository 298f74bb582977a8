//! A real browser, driven over the DevTools protocol.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use headless_chrome::browser::tab::{ModifierKey, Tab};
use headless_chrome::protocol::cdp::Emulation::{SetDeviceMetricsOverride, SetEmulatedMedia};
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption;
use headless_chrome::protocol::cdp::types::{Event, Method};
use headless_chrome::{Browser as Process, LaunchOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use test_support::prelude::*;

/// The password in `operator_secret`.
const PASSWORD: &str = "0123456789abcdef0123456789";

/// A browser with one tab. It is killed, and its profile removed, when it is dropped.
pub struct Browser {
    // The process ends with it.
    _process: Process,
    tab: Arc<Tab>,
    /// What its console has, refusals by the policy among them, and what its dialogs say.
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Browser {
    /// Starts the browser that `cargo xtask test` has found.
    pub fn start() -> Self {
        let path = std::env::var("TEST_BROWSER")
            .expect("TEST_BROWSER is not set: `cargo xtask test` says why it has found no browser");
        let options = LaunchOptions::default_builder()
            .path(Some(path.into()))
            // The browser chooses its own port: several can then run side by side.
            .port(Some(0))
            // Its sandbox does not work for root, who runs these tests.
            .sandbox(false)
            .build()
            .expect("options");
        let process = Process::new(options).expect("the browser starts");
        let tab = process.new_tab().expect("a tab");
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let (noted, closing) = (complaints.clone(), Arc::downgrade(&tab));
        tab.add_event_listener(Arc::new(move |event: &Event| {
            noted.lock().expect("no panic").extend(complaint(event));
            // An open dialog would stop everything else.
            if let (Event::PageJavascriptDialogOpening(_), Some(tab)) = (event, closing.upgrade()) {
                std::thread::spawn(move || tab.get_dialog().dismiss());
            }
        }))
        .expect("a listener");
        tab.enable_log().expect("the console");
        tab.enable_runtime().expect("exceptions");
        tab.enable_fetch(None, Some(true)).expect("log-ins");
        Self {
            _process: process,
            tab,
            complaints,
        }
    }

    /// Starts one that opens a path of a server, and types the right user and password whenever it
    /// is asked.
    pub fn at(server: &Server, path: &str) -> Self {
        let browser = Self::start();
        let user = Some("operator".to_owned());
        let known = browser.tab.authenticate(user, Some(PASSWORD.to_owned()));
        known.expect("it answers");
        browser.open_url(&format!("http://{}{path}", server.address()));
        browser
    }

    /// Makes a call of the protocol with these parameters.
    fn call<M: Method + DeserializeOwned + Serialize + Debug>(&self, parameters: Value) {
        let call: M = serde_json::from_value(parameters).expect("parameters");
        self.tab.call_method(call).expect("the browser answers");
    }

    /// Opens a page.
    pub fn open_url(&self, url: &str) {
        let opened = self.tab.navigate_to(url);
        let opened = opened.and_then(Tab::wait_until_navigated);
        opened.unwrap_or_else(|error| panic!("{url}: {error:#}: {:?}", self.complaints()));
    }

    /// A window of that width, for a person who prefers a scheme, `light` or `dark`.
    pub fn look_like(&self, width: u32, scheme: &str) {
        self.resize(width, 800);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call::<SetEmulatedMedia>(json!({"features": [feature]}));
    }

    fn resize(&self, width: u32, height: u64) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1.0, "mobile": width < 500});
        self.call::<SetDeviceMetricsOverride>(size);
    }

    /// The value of an expression on the page, which may be a promise. The page's
    /// policy does not bind it.
    pub fn evaluate(&self, expression: &str) -> Value {
        let text = format!("Promise.resolve({expression}).then(JSON.stringify)");
        // A page that the browser leaves meanwhile has none.
        let value = wait_for(expression, || self.tab.evaluate(&text, true).ok());
        let text = value.value.as_ref().and_then(Value::as_str);
        let text = text.unwrap_or_else(|| panic!("{expression}: {value:?}"));
        serde_json::from_str(text).expect("JSON")
    }

    /// Runs a script on the page.
    pub fn run(&self, script: &str) {
        self.tab.evaluate(script, false).expect("a script");
    }

    /// Types a text on the page, as a person does.
    pub fn type_text(&self, text: &str) {
        self.tab.type_str(text).expect("a keyboard");
    }

    /// Presses a key while others are held.
    pub fn press(&self, key: &str, held: &[ModifierKey]) {
        let pressed = self.tab.press_key_with_modifiers(key, Some(held));
        pressed.expect("a keyboard");
    }

    /// The text of the first element that matches, as a person sees it.
    pub fn text(&self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?}).innerText"));
        text.as_str().expect("text").to_owned()
    }

    /// How many elements match.
    pub fn count(&self, selector: &str) -> u64 {
        let count = self.evaluate(&format!("document.querySelectorAll({selector:?}).length"));
        count.as_u64().expect("a number")
    }

    /// The whole page in a window of that width, as a PNG.
    pub fn picture(&self, width: u32) -> Vec<u8> {
        let height = self.evaluate("document.documentElement.scrollHeight");
        self.resize(width, height.as_u64().expect("a height"));
        let format = CaptureScreenshotFormatOption::Png;
        let picture = self.tab.capture_screenshot(format, None, None, true);
        picture.expect("a picture")
    }

    /// What it has complained about so far.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().expect("no panic").clone()
    }

    /// Checks that nothing was wrong with what it has shown.
    #[track_caller]
    pub fn check_clean(&self) {
        assert_eq!(self.complaints(), Vec::<String>::new());
    }
}

fn complaint(event: &Event) -> Option<String> {
    Some(match event {
        Event::LogEntryAdded(event) => {
            let entry = &event.params.entry;
            format!("{:?}: {}", entry.level, entry.text)
        }
        Event::RuntimeConsoleAPICalled(event) => format!("{:?}", event.params.args),
        Event::RuntimeExceptionThrown(event) => format!("{:?}", event.params.exception_details),
        Event::PageJavascriptDialogOpening(event) => format!("dialog: {}", event.params.message),
        _ => return None,
    })
}
