"""Made-up credentials in their issuers' formats, and harmless strings that look like them. No data but this file.

Each form is filled by a seeded generator, so nothing here is or was a key. The formats are the issuers' published ones.
"""

from __future__ import annotations

import base64
import random
import string
from collections import defaultdict
from collections.abc import Callable

from shipworthy.detect import secrets

EACH = 12
_ALNUM, _HEX, _UPPER = string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_uppercase + string.digits
_URL = _ALNUM + "-_"

Filler = Callable[[int, str], str]
Form = Callable[[Filler], str]

FORMS: dict[str, tuple[str, Form]] = {
    "AWS access key": ("aws_key", lambda r: "AKIA" + r(16, _UPPER)),
    "AWS session key": ("aws_key", lambda r: "ASIA" + r(16, _UPPER)),
    "GitHub classic": ("github_token", lambda r: "ghp_" + r(36, _ALNUM)),
    "GitHub fine-grained": ("github_token", lambda r: f"github_pat_{r(22, _ALNUM)}_{r(59, _ALNUM)}"),
    "GitHub OAuth": ("github_token", lambda r: "gho_" + r(36, _ALNUM)),
    "GitLab": ("gitlab_token", lambda r: "glpat-" + r(20, _ALNUM)),
    "Slack bot": ("slack_token", lambda r: f"xoxb-{r(12, string.digits)}-{r(12, string.digits)}-{r(24, _ALNUM)}"),
    "Slack app": ("slack_token", lambda r: f"xapp-1-A{r(10, _UPPER)}-{r(13, string.digits)}-{r(64, _HEX)}"),
    "Slack webhook": (
        "slack_webhook",
        lambda r: f"https://hooks.slack.com/services/T{r(8, _UPPER)}/B{r(8, _UPPER)}/{r(24, _ALNUM)}",
    ),
    "Stripe": ("stripe_key", lambda r: "sk_live_" + r(24, _ALNUM)),
    "Stripe restricted": ("stripe_key", lambda r: "rk_live_" + r(24, _ALNUM)),
    "Stripe webhook": ("stripe_key", lambda r: "whsec_" + r(32, _ALNUM)),
    "OpenAI": ("llm_key", lambda r: "sk-" + r(48, _ALNUM)),
    "OpenAI project": ("llm_key", lambda r: "sk-proj-" + r(74, _URL)),
    "Anthropic": ("llm_key", lambda r: f"sk-ant-api03-{r(93, _URL)}AA"),
    "Google API": ("google_key", lambda r: "AIza" + r(35, _URL)),
    "Google OAuth secret": ("google_oauth", lambda r: "GOCSPX-" + r(28, _URL)),
    "Hugging Face": ("huggingface_token", lambda r: "hf_" + r(34, _ALNUM)),
    "npm": ("npm_token", lambda r: "npm_" + r(36, _ALNUM)),
    "PyPI": ("pypi_token", lambda r: "pypi-AgEIcHlwaS5vcmc" + r(150, _URL)),
    "SendGrid": ("sendgrid_key", lambda r: f"SG.{r(22, _URL)}.{r(43, _URL)}"),
    "Twilio key": ("twilio_key", lambda r: "SK" + r(32, _HEX)),
    "Twilio account": ("twilio_key", lambda r: "AC" + r(32, _HEX)),
    "DigitalOcean": ("digitalocean_token", lambda r: "dop_v1_" + r(64, _HEX)),
    "Databricks": ("databricks_token", lambda r: "dapi" + r(32, _HEX)),
    "Shopify": ("shopify_token", lambda r: "shpat_" + r(32, _HEX)),
    "Supabase": ("supabase_token", lambda r: "sbp_" + r(40, _HEX)),
    "Mailchimp": ("mailchimp_key", lambda r: r(32, _HEX) + "-us" + r(1, "123456789") + r(1, string.digits)),
    "Mailgun": ("mailgun_key", lambda r: "key-" + r(32, _HEX)),
    "age": ("age_key", lambda r: "AGE-SECRET-KEY-1" + r(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")),
    "Telegram": ("telegram_token", lambda r: f"{r(10, '123456789')}:{r(35, _URL)}"),
    "Grafana": ("grafana_token", lambda r: f"glsa_{r(32, _ALNUM)}_{r(8, _HEX)}"),
    "Vault": ("vault_token", lambda r: "hvs." + r(90, _URL)),
    "Docker": ("docker_token", lambda r: "dckr_pat_" + r(27, _URL)),
    "Atlassian": ("atlassian_token", lambda r: "ATATT3xFfGF0" + r(170, _URL) + "=" + r(8, "0123456789ABCDEF")),
    "Square": ("square_token", lambda r: "sq0atp-" + r(22, _URL)),
    "Linear": ("service_token", lambda r: "lin_api_" + r(40, _ALNUM)),
    "Groq": ("service_token", lambda r: "gsk_" + r(52, _ALNUM)),
    "Replicate": ("service_token", lambda r: "r8_" + r(37, _ALNUM)),
    "Figma": ("service_token", lambda r: "figd_" + r(40, _ALNUM)),
    "Sentry": ("service_token", lambda r: "sntryu_" + r(64, _HEX)),
    "Postman": ("service_token", lambda r: f"PMAK-{r(24, _HEX)}-{r(34, _HEX)}"),
    "Doppler": ("service_token", lambda r: "dp.st.prd." + r(40, _ALNUM)),
    "JSON web token": ("jwt", lambda r: f"eyJhbGciOiJIUzI1NiJ9.eyJ{r(40, _URL)}.{r(43, _URL)}"),
    "private key": (
        "private_key",
        lambda r: f"-----BEGIN PRIVATE KEY-----\n{r(64, _ALNUM)}\n{r(40, _ALNUM)}\n-----END PRIVATE KEY-----",
    ),
    "password in an address": ("url_password", lambda r: f"postgres://app:{r(16, _ALNUM)}@db.internal/app"),
    "bearer": ("bearer", lambda r: f"Authorization: Bearer {r(40, _ALNUM)}"),
    "Azure storage": (
        "azure_key", lambda r: f"AccountKey={base64.b64encode(r(64, _ALNUM).encode()).decode()}"
    ),
    "assigned": ("password", lambda r: f"password: {r(12, _ALNUM)}7"),
    "a word": ("password", lambda r: "the password is " + r(1, "mbrt") + "arigold"),
    "AWS secret": ("password", lambda r: "aws_secret_access_key = " + r(40, _ALNUM + "/+")),
}  # fmt: skip

HARMLESS: dict[str, Form] = {
    "digest": lambda r: "sha256:" + r(64, _HEX),
    "image digest": lambda r: "registry/app@sha256:" + r(64, _HEX),
    "pinned hash": lambda r: "--hash=sha256:" + r(64, _HEX),
    "commit": lambda r: "commit " + r(40, _HEX),
    "address of a commit": lambda r: f"https://git.example/app/commit/{r(40, _HEX)}",
    "checksum": lambda r: "md5 checksum: " + r(32, _HEX),
    "integrity": lambda r: f'"integrity": "sha512-{base64.b64encode(r(64, _ALNUM).encode()).decode()}"',
    "UUID": lambda r: "-".join(r(n, _HEX) for n in (8, 4, 4, 4, 12)),
    "entity tag": lambda r: f'ETag: "{r(32, _HEX)}"',
    "trace": lambda r: f"traceparent: 00-{r(32, _HEX)}-{r(16, _HEX)}-01",
    "public key": lambda r: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + r(44, _ALNUM) + " me@host",
    "certificate": lambda r: (
        f"-----BEGIN CERTIFICATE-----\nMIID{r(60, _ALNUM)}\n{r(64, _ALNUM)}\n-----END CERTIFICATE-----"
    ),
    "store path": lambda r: f"/nix/store/{r(32, string.ascii_lowercase + string.digits)}-hello-2.12.1",
    "pod": lambda r: f"web-{r(10, _HEX)}-{r(5, string.ascii_lowercase)}",
    "build file": lambda r: f"assets/index-{r(8, _ALNUM)}.js",
    "colours": lambda r: " ".join("#" + r(6, _HEX) for _ in range(6)),
    "class": lambda r: "org.example.billing.InvoiceReconciliationService" + r(1, string.digits),
    "path": lambda r: "docs/how-to/keep-the-control-state-in-a-database-" + r(2, string.digits) + ".md",
    "placeholder": lambda r: "sk_live_" + "x" * 24 + r(0, _HEX),
    "variable": lambda r: "token = os.environ['SERVICE_TOKEN_" + r(1, string.digits) + "']",
    "resource": lambda r: f"arn:aws:s3:::logs-{r(12, string.digits)}/archive",
    "DOI": lambda r: f"https://doi.org/10.1145/{r(7, string.digits)}.{r(7, string.digits)}",
    "time": lambda r: f"run-20260101T{r(6, '012345')}Z-eval-groundedness",
    "hardware address": lambda r: ":".join(r(2, _HEX) for _ in range(6)),
    "long number": lambda r: "order 20260" + r(16, string.digits),
    "sentence": lambda r: "The password is required for every user of group " + r(1, string.digits),
}


DETECT_SECRETS: dict[str, object] = {"version": "1.5.0", "recall": 0.3922, "harmless_fires": 0.2308}
"""What detect-secrets gave on the same strings, one a line of a .txt file; recorded, as it is no dependency."""


def fill(name: str) -> list[str]:
    """Return twelve strings of a form, always the same."""
    random_source = random.Random(f"credentials {name}")

    def filler(length: int, alphabet: str) -> str:
        return "".join(random_source.choice(alphabet) for _ in range(length))

    form = FORMS[name][1] if name in FORMS else HARMLESS[name]
    return [form(filler) for _ in range(EACH)]


def measure() -> dict[str, object]:
    """Return how many credentials are found and named for what they are, and how many harmless forms fire."""
    found: dict[str, int] = defaultdict(int)
    named: dict[str, int] = defaultdict(int)
    for name, (kind, _) in FORMS.items():
        for value in fill(name):
            spans = secrets.find(f"Use this for the deployment: {value}\nThank you.")
            found[name] += bool(spans)
            named[name] += any(span.kind == kind for span in spans)
    fires = {name: sum(bool(secrets.find(f"See {value} for more.")) for value in fill(name)) for name in HARMLESS}
    total, harmless = EACH * len(FORMS), EACH * len(HARMLESS)
    return {
        "forms": len(FORMS),
        "each": EACH,
        "recall": round(sum(found.values()) / total, 4),
        "right_kind": round(sum(named.values()) / total, 4),
        "harmless_forms": len(HARMLESS),
        "harmless_fires": round(sum(fires.values()) / harmless, 4),
        "missed": {name: EACH - found[name] for name in FORMS if found[name] < EACH},
        "wrong_kind": {name: found[name] - named[name] for name in FORMS if named[name] < found[name]},
        "fires_on": {name: count for name, count in fires.items() if count},
        "detect-secrets": DETECT_SECRETS,
    }
