//! The two queues of queue mode, at moto and with the settings of the template: the one in which webhooks
//! wait, and that of the dead letters.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::{Value, json};
use stand_ins::poller::{self, Invoke, Poller, Settings};
use stand_ins::sqs;
use std::time::Duration;

/// Lambda's timeout for the queue function.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a call of the poller waits for the first message; Lambda's waits 20 s.
const WAIT: Duration = Duration::from_secs(5);

/// Dead letters stay out of sight for so many seconds once they have been read: as long as SQS allows.
const TWELVE_HOURS: i32 = 12 * 60 * 60;

/// Messages of one call.
const AT_ONCE: i32 = 10;

/// Both, and a client for them.
#[derive(Debug)]
pub struct Queues {
    client: Client,
    endpoint: String,
    webhooks: String,
    dead_letters: String,
}

/// A webhook that was refused for good.
#[derive(Debug)]
pub struct DeadLetter {
    /// Such as `payment.succeeded`.
    pub event_type: String,
    /// The webhook's.
    pub id: String,
    /// Why it is one, without personal data.
    pub reason: String,
    message: Message,
}

impl Queues {
    /// Creates them.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn create(endpoint: &str) -> Result<Self, String> {
        let client = sqs::client(endpoint);
        let dead_letters = create(&client, "dead-letters", None).await?;
        let call = client.get_queue_attributes().queue_url(&dead_letters);
        let attributes = call.attribute_names(QueueAttributeName::QueueArn).send().await;
        let attributes = attributes.map_err(in_words)?.attributes.unwrap_or_default();
        let target = attributes.get(&QueueAttributeName::QueueArn);
        let redrive = json!({"deadLetterTargetArn": target, "maxReceiveCount": 1000});
        let webhooks = create(&client, "webhooks", Some(redrive)).await?;
        Ok(Self { client, endpoint: endpoint.to_owned(), webhooks, dead_letters })
    }

    /// The environment variables that lead the webhook function here.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("QUEUE_URL", self.webhooks.clone()), ("AWS_ENDPOINT_URL_SQS", self.endpoint.clone())]
    }

    /// What the queue function has in addition to those.
    pub fn environment_of_queue_function(&self) -> [(&'static str, String); 2] {
        [("_HANDLER", "queue".to_owned()), ("DEAD_LETTER_QUEUE_URL", self.dead_letters.clone())]
    }

    /// Lambda's poller between the queue and a function.
    pub fn poller<F: Invoke>(&self, function: F) -> Poller<F> {
        // moto is one process, and with one call at a time each message is received once.
        let settings = Settings { receivers: 1, wait: WAIT, ..Settings::default() };
        Poller::new(&self.endpoint, self.webhooks.clone(), function, settings)
    }

    /// How many webhooks wait: visible ones, and those out of sight.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn depth(&self) -> Result<[usize; 2], String> {
        poller::depth(&self.endpoint, &self.webhooks).await
    }

    /// The dead letters that were not read before.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn new_dead_letters(&self) -> Result<Vec<DeadLetter>, String> {
        let mut letters = Vec::new();
        loop {
            let call = self.client.receive_message().queue_url(&self.dead_letters);
            let call = call.max_number_of_messages(AT_ONCE).visibility_timeout(TWELVE_HOURS);
            let received = call.message_attribute_names("All").send().await.map_err(in_words)?;
            match received.messages.unwrap_or_default() {
                some if some.is_empty() => return Ok(letters),
                some => letters.extend(some.into_iter().map(DeadLetter::of)),
            }
        }
    }

    /// Puts a dead letter back into the queue.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn redrive(&self, letter: &DeadLetter) -> Result<(), String> {
        let mut call = self.client.send_message().queue_url(&self.webhooks);
        if !letter.id.is_empty() {
            call = call.message_attributes("webhook-id", sqs::string(&letter.id));
        }
        call.message_body(text(letter.message.body())).send().await.map_err(in_words)?;
        let call = self.client.delete_message().queue_url(&self.dead_letters);
        let call = call.receipt_handle(text(letter.message.receipt_handle()));
        call.send().await.map(drop).map_err(in_words)
    }

    /// Makes a message visible that is out of sight.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn show(&self, message: &Message) -> Result<(), String> {
        let call = self.client.change_message_visibility().queue_url(&self.webhooks);
        let call = call.receipt_handle(text(message.receipt_handle())).visibility_timeout(0);
        call.send().await.map(drop).map_err(in_words)
    }
}

impl DeadLetter {
    fn of(message: Message) -> Self {
        let body: Value = serde_json::from_str(text(message.body())).unwrap_or_default();
        let attribute = |name| message.message_attributes()?.get(name)?.string_value();
        Self {
            event_type: body["type"].as_str().unwrap_or("no event").to_owned(),
            id: attribute("webhook-id").unwrap_or_default().to_owned(),
            reason: attribute("reason").unwrap_or("SQS has given it up").to_owned(),
            message,
        }
    }
}

async fn create(client: &Client, name: &str, redrive: Option<Value>) -> Result<String, String> {
    let sqs::Settings { visibility_timeout, retention, .. } = sqs::Settings::default();
    let mut call = client.create_queue().queue_name(name);
    for (name, value) in [
        (QueueAttributeName::VisibilityTimeout, visibility_timeout),
        (QueueAttributeName::MessageRetentionPeriod, retention),
    ] {
        call = call.attributes(name, value.as_secs().to_string());
    }
    if let Some(policy) = redrive {
        call = call.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
    }
    let created = call.send().await.map_err(in_words)?;
    created.queue_url.ok_or_else(|| format!("SQS has no URL for the queue {name}."))
}

fn in_words(error: impl std::error::Error) -> String {
    format!("The local SQS (moto): {}.", DisplayErrorContext(error))
}

fn text(text: Option<&str>) -> &str {
    text.unwrap_or_default()
}
