// The story of test_javascript.py: logs that mask themselves, told by the AWS SDK for JavaScript; prints what it saw as JSON.
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const client = new logs.CloudWatchLogsClient({ disableHostPrefix: true });
const send = (command) => client.send(command);
const seen = {};

seen.identity = (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn;
const group = { logGroupName: "/js/app" };
const stream = { ...group, logStreamName: "one" };
await send(new logs.CreateLogGroupCommand(group));
await send(new logs.CreateLogStreamCommand(stream));
const identifier = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"];
await send(new logs.PutDataProtectionPolicyCommand({
  logGroupIdentifier: group.logGroupName,
  policyDocument: JSON.stringify({
    Name: "p", Version: "2021-06-01", Statement: [
      { Sid: "a", DataIdentifier: identifier, Operation: { Audit: { FindingsDestination: {} } } },
      { Sid: "m", DataIdentifier: identifier, Operation: { Deidentify: { MaskConfig: {} } } },
    ],
  }),
}));
try {
  await send(new logs.CreateLogGroupCommand(group));
} catch (error) {
  seen.again = { isTyped: error instanceof logs.ResourceAlreadyExistsException, status: error.$metadata.httpStatusCode };
}
const arn = (await send(new logs.DescribeLogGroupsCommand({ logGroupNamePrefix: "/js" }))).logGroups[0].logGroupArn;
const tail = await send(new logs.StartLiveTailCommand({ logGroupIdentifiers: [arn] }));
const put = (message) => send(new logs.PutLogEventsCommand({ ...stream, logEvents: [{ timestamp: Date.now(), message }] }));
for await (const event of tail.responseStream) {
  if (event.sessionStart) {
    seen.started = event.sessionStart.logGroupIdentifiers;
    await put("mail ann@example.com of Grüße 日本");
  }
  const results = event.sessionUpdate?.sessionResults ?? [];
  if (results.length > 0) {
    seen.tailed = results[0].message;
    break;
  }
}
seen.got = (await send(new logs.GetLogEventsCommand({ ...stream, startFromHead: true }))).events.map((event) => event.message);
seen.unmasked = (await send(new logs.GetLogEventsCommand({ ...stream, startFromHead: true, unmask: true }))).events.map((event) => event.message);
seen.filtered = [];
for await (const page of logs.paginateFilterLogEvents({ client, pageSize: 1 }, { ...group, filterPattern: "mail" })) {
  seen.filtered.push(...page.events.map((event) => event.message));
}
console.log(JSON.stringify(seen));
client.destroy();
process.exit(0);
