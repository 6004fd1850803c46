//! A small forward proxy on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A forward proxy that resolves every name to one server; it stops on drop.
pub struct ForwardProxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ForwardProxy {
    /// Starts a proxy to the server with a base URL.
    pub async fn to(base: &str) -> Self {
        let server = base.rsplit('/').next().unwrap().to_owned();
        Self::spawn(move |client, head| pass(client, head, server.clone())).await
    }

    /// Starts a proxy that answers every request itself.
    pub async fn answering(status: &'static str) -> Self {
        Self::spawn(move |mut client, _| async move {
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = client.write_all(answer.as_bytes()).await;
            // Closing a socket with unread data resets the connection, and the client loses the
            // answer.
            let _ = copy(&mut client, &mut sink()).await;
        })
        .await
    }

    async fn spawn<Answer>(
        answer: impl Fn(TcpStream, String) -> Answer + Send + Sync + 'static,
    ) -> Self
    where
        Answer: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    // The head may arrive together with a part of the body.
                    while !head.windows(4).any(|end| end == b"\r\n\r\n")
                        && client.read_buf(&mut head).await.is_ok_and(|read| read > 0)
                    {
                    }
                    // Clients close spare connections without a request.
                    if head.is_empty() {
                        return;
                    }
                    let head = String::from_utf8(head).unwrap();
                    seen.lock().unwrap().push(head.clone());
                    answer(client, head).await;
                });
            }
        });
        Self {
            address,
            heads,
            task,
        }
    }

    /// Returns the proxy's URL, as in a variable.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the proxy's URL with credentials.
    pub fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.address)
    }

    /// Returns the heads of the requests so far, one for each connection.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects a client to a server.
async fn pass(mut client: TcpStream, head: String, server: String) {
    let mut server = TcpStream::connect(server).await.unwrap();
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    } else {
        server.write_all(head.as_bytes()).await.unwrap();
    }
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
