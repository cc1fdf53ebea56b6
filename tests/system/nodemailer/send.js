// Sends messages with nodemailer. Standard input: {"transport": its options, "messages": [its message objects]}, where
// raw content is in base64. Prints what the server answered to each, as a list in JSON; status 1 and the error if one fails.
const nodemailer = require('nodemailer');

async function main(text) {
    const job = JSON.parse(text);
    const transport = nodemailer.createTransport(job.transport);
    const send = (message) => transport.sendMail({...message, raw: Buffer.from(message.raw, 'base64')});
    try {
        const sent = await Promise.all(job.messages.map(send));
        console.log(JSON.stringify(sent.map((info) => info.response)));
    } finally {
        transport.close();
    }
}

let text = '';
process.stdin.on('data', (part) => { text += part; });
process.stdin.on('end', () => main(text).catch((error) => {
    console.error(error.responseCode, error.message);
    process.exit(1);
}));
