"""Which words end the calls for good, and which only sound like it."""

from __future__ import annotations

import pytest

from agents.understanding.opt_out import is_opt_out

OPT_OUTS = """
stop calling me
please stop calling
don't call me again
do not call me again
don't call me anymore
don't ever call me again
don't ever call this number again
never call me again
never call here again
do not call
please don't call me
don't call me
take me off your list
please take me off your list
take me off the list
take my name off your list
take my number off of your calling list
can you take us off your call list
put me on the do not call list
put me on your do not call list please
put my number on the don't call list
I'm on the national do not call registry
I am on the do not call list, why are you calling
remove me
remove my number
remove me from your database
remove this number from your system
lose my number
lose this number
delete my number
forget you ever had my number
opt out
I want to opt out
opt me out
I'd like to opt out please
unsubscribe
how do I opt out
stop
stop please
please stop
Stop. Stop.
no stop
quit calling me
quit bothering me
stop bothering us
stop harassing me
leave me alone
leave us alone please
would you leave me the hell alone
I don't want you to call me
I don't want you calling me anymore
I don't want any more calls
I don't want these calls
i do not want to be called
I don't want to receive calls from you
no more calls please
no more calls
I never want to hear from you again
don't contact me again
do not contact this number
never contact me again
stop contacting me
I revoke my consent
I withdraw my consent
you can't call me
you are not allowed to call me
you should not call this number
wrong number, stop calling
wrong number, don't call here again
i'm not interested, take me off your list
not interested please remove my number from your list
not interested and don't call back
don't call back
don't call me back
do not call back again
this is harassment, stop calling my house
I'm going to report you to the FTC
stop all these calls
stop with the calls
stop these phone calls
can you guys stop calling me
I told you people to stop calling
i asked you not to call me anymore
i said don't call
please take me of your list
take me off your lest
get me off your list
scratch me off your list
cross my name off the list
don't you ever call me again
don't bother me again
stop calling my wife
stop calling my phone
I'm tired of these calls
i am sick of you people calling me
I would like to be removed from your list
please make sure I'm not called again
never ever call me
don't be calling me
don't be calling here no more
y'all need to stop calling me
quit your calling
i want off your list
I want to be taken off the list
get my number out of your system
don't call this number no more
Don't phone me again
cease and desist
erase my number
would you please not call me again
I'd rather you didn't call me again
don't ring me again
please do not call here anymore thank you
can I get off this list
block my number from your list
i'm asking you to stop calling me
you need to stop calling
add me to your do not call list
add my number to the dnc
i wish to be put on the do not call list
i don't want to hear from you
we do not want any calls from you
no calls
don't text me or call me
i do not consent to these calls
do not ever call me
do not try to call me again
I don't want to be contacted anymore
i didn't ask for these calls stop it
stop it
just stop
i need you to stop calling my mother
stop blowing up my phone
stop spamming me
quit spamming my phone
get my name off your call sheet
scrub my number
remove all my information
purge my number from your system
please discontinue calling me
discontinue these calls
i want you to stop
could you not call here anymore
i don't appreciate these calls don't call again
you call me again and i'll sue
you've called me ten times stop
i already told you to stop calling me
i've asked you to take me off
i asked to be removed
please have my number removed
have me removed from the list
will you take my number off
make sure you never call me again
don't you dare call me again
i don't ever want another call from you
never ring this phone again
no calls no texts nothing
i am not giving you permission to call me
i'm withdrawing consent
i'm opting out
i choose to opt out
please opt me out of this
i'd like off the call list
can you take this number off
don't call us
do not call us anymore please
we don't want you calling here
don't want no more calls
don't call me no more
i don't need you calling my house
not interested, do not contact me again
stop bugging me
you guys gotta stop calling
this number is on the do not call list
you need to put me on your no call list
put us down as do not call
mark me as do not call
i'm on a no call list
do not call list please
i said remove me from the list
erase me from your records
stop dialing this number
don't dial this number again
cancel my number
strike me from your list
don't use this number again
never use this number again
please stop
please just stop
will you stop
would you please stop
please end these calls
i want the calls to stop
make it stop
make the calls stop
no more calls to this number
you people never stop calling stop it
i'm not interested stop calling people
you're calling a do not call number
stop your calls
hey stop calling okay
please don't keep calling me
don't keep calling
quit ringing me
lay off calling me
and don't call here again you hear
i'd prefer not to be called
i prefer you don't call me
i would appreciate it if you didn't call again
i'd appreciate it if you would stop calling
it would be great if you never called me again
if you call me again i'm calling the police
take us off whatever list you have
take me off whatever list this is
can you get my number off there
can you guys just delete me
delete me from there
i do not wish to be contacted
i do not wish to receive any more calls
i don't want to get calls like this
i don't want sales calls
i don't take sales calls remove me
stop soliciting me
no soliciting
no solicitors please
don't solicit me
unsubscribe me from this
knock it off
cut it out
cut out the calls
enough with the calls
enough calls
please respect my wishes and do not call
my mother is dead please take her off your list
take him off your list
remove her number
don't call him again
she doesn't want to be called
he does not want your calls
my husband doesn't want you calling
we're on the do not call
i'm on the do not call
i am registered do not call
"""

OTHER_WORDS = """
don't call me before nine
do not call me before nine in the morning
please don't call me after eight
stop, I'm driving, call me later
stop I am driving call me later
don't call me now call me later
don't call me today call me tomorrow
don't call me right now
don't call me this early
don't call me so early
please do not call me at work hours
don't call me until monday
don't call me on sundays
don't call on weekends
stop by on tuesday
you can stop by the house
why did you stop calling me
please don't stop calling
don't stop
you never called me back
you never call me back
they never called me
my agent never calls me
I don't want to opt out
what is the do not call list
call me later
call me tomorrow
call me again next week
can you call me back
I'm not interested
no
not really
no thanks
wait stop for a second let me think
hold on stop let me think
I never called you
I didn't call you
we want to stop renting
there's a bus stop in front of the house
we took it off the market
take it off the market
i have a list of repairs
it's on the list
we're listed
is the list price too high
the noise doesn't bother me
that does not bother me
it doesn't bother us
i can't call you back
i couldn't call earlier
my realtor does not call me
my realtor stopped calling me
agents keep calling me
who is calling
why are you calling
are you going to call me again tomorrow
yes you can call me again
call me back at nine
I'd call it a fixer upper
I wouldn't call it a mansion
i don't call it a house
no I don't have an agent
nine
nine o'clock works
nine bedrooms
we want to remove the old kitchen
we need to take out a wall
leave it to me
leave a message
I'd like to be left with some money
take me through it
keep me on the list
put me down for tuesday
I want to stop paying two mortgages
yes
could you repeat that please
stop stop I said tuesday not monday
don't call my wife call me
I am busy right now please call me tomorrow at three in the afternoon
you can't call me at nine I'm at work
you can't call me tomorrow i'm working
do not call between one and three
do you want to stop by
i'd rather you call me tomorrow
don't call me yet
we do not want to sell
not at all
I don't want to hear about commissions
how did you get my number
the last agent stopped calling
I got a call from another agent
i never got your call
do not forget to call me
don't hesitate to call me
don't forget to call me tomorrow
you don't need to call me before tuesday
don't worry about calling me early
would you call me after six
no calls before nine please
stop calling me so early
stop calling me before nine
please don't call me in the morning
please never call me before eight
I don't want calls before nine
I don't want you to call me before noon
don't call me while I'm at work
i never answer calls
i do not take calls at work
they are going to take us off the tax list
i'd call again tomorrow if i were you
please call again
i want to stop wasting time and sell
we've stopped looking
my wife wants to stop working
let's stop there for today call me tomorrow
let me stop you there how much is the commission
sorry to stop you what is your name
i stopped working last year
it's off the list
what list am i on
how did i get on your list
the list price is four hundred
we listed it last year
take me through the steps
take my name and number
take my number down
write my number down
my number is on the website
remove the carpet first
we need to remove the asbestos
don't bother with the kitchen
don't contact my tenant contact me
don't call my office call my cell
don't call the house call my cell
never mind
never heard of you
i never got an email
i never said that
no i never talked to anyone
i don't want to talk about price
i don't want to sell now
i don't want an agent
i don't want any trouble
i don't want to be bothered with repairs
we do not want to be rushed
i do not want to be here in winter
we don't want to leave the neighbors alone
my kids should leave the house
leave us a message
leave it alone for now
call me but not before nine
call me any time except mornings
not tomorrow i'm busy call me wednesday
tomorrow don't call me wednesday is better
i can't take calls at work
i can't take calls right now
no calls in the morning please
no phone calls after eight please
i don't like calls before noon
don't call till five
don't call until after work
please do not call me between noon and one
never before nine
do not call on sunday
don't ring before ten
don't phone me at work
stop calling me at work call me at home
stop calling so late
could you stop calling at dinner time
i don't want to be called at night
can you not call me at work
when you call don't call before nine
i did not call
who called me
did you call me yesterday
you called me yesterday
i missed your call
you keep calling at bad times
i got your call
opting for a condo
i don't need to opt out
no need to opt out
do i have to stop
should i stop renting it
the bus stops here
non stop traffic
it never stops raining
we stop at five hundred thousand
they won't stop building next door
a stop sign
we want to get off the grid
get me out of this house
get me out of here by spring
get us out of the contract
can you get me out of my listing
i want out of this house
take it off my hands
take the house off my hands
i need to get this off my hands
delete that i meant four
forget what i said
forget it
cancel the appointment
cancel that
can we cancel tuesday
report says it's worth five hundred
we will sue the neighbor
not at this number
this is not her number
block is quiet
my consent what do you mean
yes i gave permission
i'm tired of this house
tired of the stairs
i'm sick of the snow
done with renting
no more stairs
no more kids at home
i want no more tenants
it is harassment what my neighbor does
"""


@pytest.mark.parametrize("words", OPT_OUTS.strip().splitlines())
def test_it_hears_every_wording_of_never_call_again(words: str) -> None:
    assert is_opt_out(words)


@pytest.mark.parametrize("words", OTHER_WORDS.strip().splitlines())
def test_it_does_not_hear_an_opt_out_where_none_is_said(words: str) -> None:
    assert not is_opt_out(words)


@pytest.mark.parametrize(
    "words", ["Don't CALL me again!", "  stop   calling,  me ", "don’t call me"]
)
def test_it_does_not_mind_spelling_and_case(words: str) -> None:
    assert is_opt_out(words)
