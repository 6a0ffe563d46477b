"""The words by which `agents.policy.output` knows what must not be spoken.

All but the first two are matched against normalised words: small letters, contractions open.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from typing import Final

SPEAKABLE: Final = re.compile(r"[A-Za-z0-9éèêàáíóúçÉ\s'’‘“”\".,!?;:\-–—…%$&]*")
NOT_SPOKEN: Final = re.compile(r"https?:|www\.|\w\.(com|net|org|io)\b|^\s*(-|\d+[.)])\s|--|&\w+;")

LEAK: Final = re.compile(
    r"\b(system|developer|initial|hidden|secret) (prompt|message|instructions?)\b"
    r"|\bmy (\w+ )?(instructions|prompt|rules|guidelines|programming|training|script|configuration)\b"
    r"|\b(as )?an? (ai |large )?language model\b|\blanguage models?\b|\b(open ?ai|meta ai|llama|chat ?gpt|gpt|ollama|anthropic|mistral)\b"
    r"|\bi (was|am|have been) (told|instructed|programmed|trained|prompted|configured|not (allowed|permitted|supposed))\b"
    r"|\bthe (lead|script|playbook)\b|\btask\b|\b(the|these|given|provided) facts\b|\bfacts (do|provided|given|above|hold)\b"
    r"|^(system|assistant|user|answer|agent) ?:|\bin character\b|\brole ?play"
)

HUMAN: Final = re.compile(
    r"\bi am (\w+ ){0,2}(human|person|man|woman|guy|lady|human being|people)\b"
    r"|\bi am (\w+ )?real\b|\bhumans?\b(?! (agents?|colleagues?))"
    r"|\bi am not (\w+ ){0,3}(robot|bot|machine|computer|ai|artificial|automated|recording|program|software|virtual)\b"
    r"|\b(as|like|being) (a|any|another|fellow) (\w+ )?(human|person)\b"
    r"|\bmy (own )?(wife|husband|kids?|children|family|mom|mother|dad|father|parents|boyfriend|girlfriend|dog|cat|birthday|childhood|home|house|apartment|car|lunch|coffee)\b"
    r"|\bwhen i (bought|sold|moved|was (a|young|born|in|little))\b|\bi (grew up|live in|was born|bought|own) \b"
    r"|\b(talking|speaking) (to|with) (a |an )?(real |live |actual )?(human|person)\b"
    r"|\b(not|never) (talking|speaking) (to|with) (a |an )?(\w+ )?(robot|bot|machine|computer|ai)\b"
    r"|\bno (robots?|machines?|computers?|ai) here\b|\bthis is not (a |an )?(\w+ )?(robot|bot|machine|ai|recording)\b"
)
NAMED: Final = re.compile(
    r"\b(?:my name is|i am called) (?!not\b|up\b)([a-z]+)\b"
    r"|\b(?:call me|this is) (?!is\b|a\b|an\b|the\b|not\b|what\b|why\b|how\b|something\b|one\b|our\b|your\b|up\b|done\b|very\b|all\b)([a-z]+)\b(?= (?:from|with|speaking|calling|and)|$)"
)

STEERING: Final = re.compile(
    r"\b(unsafe|dangerous|rough|sketchy|gang|crime|neighborhoods?)\b"
    r"|\b(safe|safer|exclusive|desirable|up and coming|changing|declining) (area|areas|street|streets|part|place|community|block|town)\b"
    r"|\b(good|bad|better|best|great|nice|wrong|right|quiet|family|safe|white|black) (area|neighborhoods?|side of town|part of town|school districts?|schools?)\b"
    r"|\b(demographics?|ethnic|ethnicity|race|racial|religio\w+|nationality|immigrants?|foreigners?|minorit\w+)\b"
    r"|\b(christians?|jews|jewish|muslims?|catholics?|hindus?|mormons?|church(es)?|synagogues?|mosques?|temples?)\b"
    r"|\b(hispanics?|latinos?|latinas?|asians?|african ?americans?|caucasians?|mexicans?|chinese|indians?|arabs?)\b"
    r"|\b(perfect|ideal|suitable|great|good|right|not) for (\w+ )?(families|couples|singles|bachelors|retirees|seniors|children|kids|young professionals|professionals|students|christians)\b"
    r"|\b(no|without|few|many|lots of) (children|kids|tenants with|section 8|disabled)\b|\b(adults only|disab\w+|handicap\w*|wheelchair|section 8|people like (you|us|them)|your (own )?kind|the kind of people|those people)\b"
)

EXPERT_TOPIC: Final = re.compile(
    r"\b(legal|legally|lawsuits?|sue|suing|attorneys?|lawyers?|liable|liability|lien|evict\w*|foreclos\w*|bankrupt\w*|probate|zoning|disclosure law|breach|clause|binding)\b"
    r"|\b(the|by) law\b|\b(tax|taxes|taxed|taxable|irs|capital gains?|deduct\w*|write off|exempt\w*|1031|depreciat\w*|1099)\b"
    r"|\b(mortgages?|refinanc\w*|interest rates?|rates? (will|are|should)|loans?|lenders?|credit scores?|invest\w*|returns?|equity|appreciat\w*|cash flow|down payments?)\b"
    r"|\b(market|prices|values|rates) (is|are|will|should|would|may|might|could) (\w+ )?(go|going|rise|rising|fall|falling|drop|dropping|crash|increase|decrease|climb|cool|up|down|hot|cold|strong|weak)\b"
    r"|\b(good|bad|best|right|great|perfect|worst) (time|moment|year|season) to (sell|buy|rent|invest|list|move)\b"
)
ADVISES: Final = re.compile(
    r"\b(you|owners?|sellers?|buyers?|people) (should|must|ought|need to|have to|had better|do not (have|need) to|can (safely|simply|just)|could (just|simply)|are (required|obliged|entitled|allowed|free) to)\b"
    r"|\bi (would )?(\w+ )?(recommend|advise|suggest|think you|believe you)\b|\b(it is|would be) (\w+ )?(better|best|wise|smart|safer|legal|illegal) (to|if|for)\b"
)

MONEY: Final = re.compile(
    r"[$€£]|\b\d[\d.]* ?(dollars?|bucks|cents?|euros?|pounds?|usd|percent|%|thousand|million|grand|k)\b|\b(dollars|percent|a (few|couple of) (hundred|thousand))\b"
)
PRICE: Final = re.compile(
    r"\b(commissions?|fees?|price|cost|costs|charge|value|estimate|appraisal|offer) (is|are|was|would be|will be|starts?|begins?|comes? to|of|ranges?)\b"
    r"|\b(is|are|would be|could be|will be|be|it is|is probably|is about) worth\b|\b(sell|sells|sold|go|goes|went|list|get) (it )?for\b|\bvalued at\b"
    r"|\b(no|zero|without|low|lower|lowest|reduced|half|discount(ed)?) (\w+ )?(fees?|costs?|charges?|commissions?|prices?|obligations?|risk)\b"
    r"|\b(is|are|be|it is|all|completely|totally|absolutely|totally) free\b|\bfree (of charge|estimate|appraisal|\w+)\b|\bfor (free|nothing)\b|\b(discounts?|cheap(er|est)?|waive[ds]?|refund\w*|complimentary|bonus|rebates?|cash back|negotiable|affordable)\b"
)
GUARANTEE: Final = re.compile(
    r"\b(guarant\w+|warrant\w*|assure\w*|ensure\w*|no doubt|doubtless|without (a |any )?doubt|for sure|risk free|no risk|never fails?|rest assured|100 percent)\b"
    r"|\b(definitely|certainly|absolutely|surely|always|never) (\w+ ){0,2}(sells?|sold|gets?|finds?|happens?|works?|wins?|pays?|be|fails?|loses?)\b"
    r"|\b(best|highest|top|lowest) (possible )?(price|offers?|deals?|dollar|agents?|agency|service|results?|value)\b|\bnumber (one|1)\b"
    r"|\b(we|i|our agents?|they) (will|can) (\w+ )?(sell|find|get you|rent)\b|\b(it|you|your (home|house|place|property)) (will|would|should) (\w+ )?(sell|get|make|earn|save)\b|\b(sold|sell|sells|close|closed|rented) (it )?(in|within) (\w+ ){0,3}(days?|weeks?|months?)\b"
)
PROMISE: Final = re.compile(
    r"\bpromis\w+\b"
    r"|\b(i|we|he|she|they|someone|somebody|a person|our (agent|agents|team|office)|one of our agents) (will|shall|would|am going to|are going to|is going to|am|are) (\w+ )?(call|calls|send|sending|email|emailing|text|mail|pay|paying|buy|buying|cover|give|reduce|lower|match|beat|reserve|book|booking|schedule|arrange|transfer|transferring|remove|removing|delete|come|visit|handle|take care|make sure|stop|waive|fix|repair|lend)\b"
    r"|\bi (can|could|have|just|already) (\w+ )?(call|sent|send|email|text|mail|pay|buy|reserve|reserved|book|booked|schedule|scheduled|arrange|arranged|transfer|remove|removed|delete|deleted|lower|reduce|waive)\b"
    r"|\b(is|are|am|been|you are|it is|all) (now )?(booked|scheduled|confirmed|reserved|set up|removed|approved|accepted|qualified)\b|\bi have (noted|booked|scheduled|removed|sent)\b"
    r"|\b(you|your) (appointment|meeting|visit|number) (is|has|will)\b|\b(cash offer|cash buyer|buyers? (waiting|lined up|ready))\b"
    r"|\b(open|work|working|available|reach us|call us) (24|twenty four|around the clock|any ?time|day and night|on sundays?|every day)\b"
)

ENGLISH: Final = frozenset(
    "a about after all also an and any are as at be because been before best but by can could did do does each for from get good had has have he help her his home house how i if in into is it its just know like look make many may me meet more most my need new no not now of on one only or our out over please right see sell she show so some take tell that the their them then there they this time to up us very want was we well were what when where which who will with work would yes you your".split()  # noqa: SIM905 - as a list it could not be read
)
FOREIGN: Final = frozenset(
    "el la los las que para usted esta está nosotros puede casa gracias hola muy con por una uno su del pero como más le les des est nous vous pour avec dans une sur pas merci bonjour maison und der die das ist nicht wir sie ein eine mit für haus danke di il che per sono della grazie voce você não obrigado uma com".split()  # noqa: SIM905 - as a list it could not be read
)
