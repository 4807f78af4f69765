// An extend that adds a field to each item. To measure with.

const TRIAL_DAYS = 14;

function extend(request, webhook) {
  for (const item of request.batch) {
    item.attributes.trial_days = TRIAL_DAYS;
    item.attributes.source = webhook.eventType;
  }
  return request;
}
