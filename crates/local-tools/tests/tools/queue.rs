//! `make dev DELIVERY=queue`.

use crate::running::{Dev, Folder, wait_until_gone};

/// A transform that gives each event this name and this timestamp.
fn transform(name: &str, timestamp: &str) -> String {
    format!(
        "function extend(request) {{\n  for (const item of request.batch) {{\n    if (item.action === 'event') \
         Object.assign(item, {{name: '{name}', timestamp: {timestamp}}});\n  }}\n  return request;\n}}\n"
    )
}

fn send(dev: &Dev, event: &str) {
    let sent = dev.send(event);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.output.contains("200 {\"outcome\":\"queued\"}"), "{sent:?}");
}

#[test]
fn what_is_queued_shows_up_soon_and_both_functions_follow_changes() {
    let folder = Folder::new();
    let path = folder.write("mine.js", &transform("First", "1790000000"));
    let mut dev = Dev::start(&["--delivery", "queue", "--transform", &path], &[]);
    send(&dev, "payment.failed");
    dev.says("event \"First\"");
    dev.says("batch of 1 from the queue: 1 done");

    // In milliseconds: Customer.io refuses it for good.
    folder.write("mine.js", &transform("Second", "1790000000000"));
    dev.says("mine.js changed: the function now runs with it");
    send(&dev, "refund.failed");
    dev.says("event \"Second\"");
    dev.says("dead letter: refund.failed msg_");
    dev.says("refused_by_customerio: ");

    folder.write("mine.js", &transform("Third", "1790000000"));
    dev.says("mine.js changed: the function now runs with it");
    dev.says("From the dead letters 1 webhook goes back into the queue");
    dev.says("200 /api/v2/batch");
    dev.says("event \"Third\"");
    dev.says("batch of 1 from the queue: 1 done");

    let processes = dev.descendants();
    assert!(processes.len() >= 4, "moto, both functions, their handlers: {processes:?}");
    assert_eq!(dev.interrupt(), Some(0));
    wait_until_gone(&processes);
    assert!(!dev.output().contains("ended by itself"), "{}", dev.output());
}

#[tokio::test]
async fn what_customer_io_does_not_take_stays_in_the_queue() {
    let start = || Dev::start(&["--delivery", "queue"], &[]);
    let dev = tokio::task::spawn_blocking(start).await.unwrap();
    let output = dev.output();
    let url = output.lines().find_map(|line| line.strip_prefix("Customer.io")).unwrap().trim();
    let fail = dodo_customerio::http::client().get(format!("{url}/local/fail/503/10"));
    assert_eq!(fail.send().await.unwrap().status(), 200);
    let look = move || {
        let mut dev = dev;
        send(&dev, "payment.failed");
        dev.says("batch of 1 from the queue: 0 done, 1 to come again, after 30 s the first time");
        dev
    };
    let dev = tokio::task::spawn_blocking(look).await.unwrap();
    assert!(!dev.output().contains("dead letter:"), "{}", dev.output());
    tokio::task::spawn_blocking(move || drop(dev)).await.unwrap();
}
