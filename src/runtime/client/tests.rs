//! Tests against servers that misbehave.

use crate::runtime::block_on;
use crate::runtime::client::Answer;
use crate::runtime::client::Ask;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Limits;
use crate::runtime::client::Origin;
use crate::runtime::client::Protocol;
use crate::runtime::client::Trust;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const LATE: Duration = Duration::from_millis(300);
const PATIENT: Duration = Duration::from_secs(60);

/// Asks a server that answers one request with `reply`, and then closes or, with `hold`, waits for
/// the client to go.
fn asked(reply: &'static str, hold: bool, time: Duration) -> Result<Answer, ClientError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    let (done, wait) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The request is small and comes at once; a client that has enough goes away at any time.
        let _request = stream.read(&mut [0; 4096]);
        let _taken = stream.write_all(reply.as_bytes());
        if hold {
            let _gone = wait.recv();
        }
    });
    let limits = Limits {
        time,
        body_bytes: 10,
    };
    let client = Client::new(&Trust::Anybody, limits).unwrap();
    let (origin, path) = Origin::of(&url).unwrap();
    let answer = block_on(async {
        let mut connection = client.connect(&origin, Protocol::Http1).await?;
        let ask = Ask {
            method: "GET",
            path: &path,
            fields: &[],
        };
        connection.ask(ask).await
    });
    drop(done);
    server.join().unwrap();
    answer
}

#[test]
fn a_body_without_end_is_not_kept() {
    for reply in [
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n01234567890",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n",
    ] {
        let refused = asked(reply, true, PATIENT);
        assert!(
            matches!(refused, Err(ClientError::Large(10))),
            "{refused:?}"
        );
    }
    let whole = asked(
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789",
        true,
        PATIENT,
    );
    assert_eq!(whole.unwrap().body, "0123456789");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    for reply in ["", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n01"] {
        let late = asked(reply, true, LATE);
        assert!(matches!(late, Err(ClientError::Late(_))), "{late:?}");
    }
}

#[test]
fn a_cut_reply_is_an_error_and_never_a_short_body() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n01",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n01\r\n",
        "nonsense\r\n\r\n",
    ] {
        let cut = asked(reply, false, PATIENT);
        assert!(
            matches!(cut, Err(ClientError::Http(_))),
            "{reply:?}: {cut:?}"
        );
    }
}

#[test]
fn a_redirect_is_an_answer_and_nothing_is_asked_elsewhere() {
    let reply = "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n";
    let answer = asked(reply, true, PATIENT).unwrap();
    assert_eq!((answer.status, answer.body.len()), (302, 0));
}

#[test]
fn a_file_without_a_certificate_is_refused_by_name() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let trust = Trust::File(empty.path().to_owned());
    let limits = Limits {
        time: LATE,
        body_bytes: 1,
    };
    let error = Client::new(&trust, limits).unwrap_err().to_string();
    assert!(error.contains(empty.path().to_str().unwrap()), "{error}");
    assert!(error.contains("there is none"), "{error}");
}
