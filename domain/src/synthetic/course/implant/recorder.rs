//! The entries of one synthetic implant, recorded in order.

use jiff::civil::Date;

use super::device::Part;
use super::{
    AmplitudeUnit, Attendance, Battery, CELL, ComponentKind, Consultation, Decimal, EntryId, EventKind, Happening,
    Impedance, ImplantCheck, ImplantComponent, ImplantEvent, ImplantProgramme, IpgSite, LeadContacts, Line, Modality,
    Mode, Patient, ProcedureSystem, Random, SETTINGS, SITES, Sequence, Setting, Side, Story, Team, UNUSUAL, Waveform,
    calendar, device, procedure, whole,
};

pub(super) struct Recorder<'a> {
    pub(super) line: &'a mut Line,
    pub(super) patient: &'a Patient,
    pub(super) story: &'a Story,
    pub(super) implant: EntryId,
    pub(super) episode: EntryId,
    /// The implanted components: leads with their contacts and the day of implantation, and the generator.
    pub(super) leads: Vec<(EntryId, i32)>,
    pub(super) generator: Option<(EntryId, Date)>,
}

impl Recorder<'_> {
    fn is_drg(&self) -> bool {
        self.story.implant.modality == Modality::Drg
    }

    fn part(&mut self, random: &mut Random, kind: ComponentKind, day: Date) -> ImplantComponent {
        self.story
            .maker
            .part(random, &Part { implant: self.implant, kind, implanted_on: day, today: self.patient.today })
    }

    pub(super) fn surgery(&mut self, code: &str, day: Date) {
        procedure(self.line, self.episode, ProcedureSystem::Ncsp, code, day, Some(self.patient.place));
    }

    /// The trial's own components, which go when it ends.
    pub(super) fn trial(&mut self, random: &mut Random) {
        let Some((from, to)) = self.story.tried else { return };
        let lead = if self.is_drg() { ComponentKind::LeadDrg } else { ComponentKind::LeadPercutaneous };
        for kind in [lead, ComponentKind::ExternalStimulator] {
            let part = self.part(random, kind, from);
            self.line.add(&ImplantComponent { trial: true, removed_on: to, ..part });
        }
        self.surgery("ZDS01", from);
    }

    pub(super) fn lead(&mut self, random: &mut Random, day: Date, number: i32, is_paddle: bool) {
        let kind = match (self.is_drg(), is_paddle) {
            (true, _) => ComponentKind::LeadDrg,
            (_, true) => ComponentKind::LeadPaddle,
            _ => ComponentKind::LeadPercutaneous,
        };
        let part = self.part(random, kind, day);
        let contacts = part.contacts.unwrap_or(8);
        let (tip, entry) = match kind {
            ComponentKind::LeadDrg => (["L4", "L5", "S1"], "L3"),
            _ => (["T8", "T9", "T10"], "L1"),
        };
        let offset = if kind == ComponentKind::LeadDrg { None } else { Some(random.between(0, 6)) };
        let id = self.line.add(&ImplantComponent {
            tip_level: random.any(&tip).map(|level| (*level).to_owned()),
            entry_level: Some(entry.to_owned()),
            side: Some(if number == 0 { Side::Left } else { Side::Right }),
            midline_offset_mm: offset.map(Decimal::from),
            ..part
        });
        self.leads.push((id, contacts));
    }

    pub(super) fn generator(&mut self, random: &mut Random, day: Date) {
        let is_rechargeable = self.story.is_rechargeable;
        let kind = if is_rechargeable { ComponentKind::IpgRechargeable } else { ComponentKind::IpgPrimaryCell };
        let part = self.part(random, kind, day);
        let site = random.pick(&SITES, IpgSite::PosteriorChestWall);
        self.generator = Some((self.line.add(&ImplantComponent { ipg_site: Some(site), ..part }), day));
    }

    pub(super) fn happen(&mut self, random: &mut Random, day: Date, happening: &Happening) {
        match happening {
            Happening::Programme(number, ended) => self.programme(random, day, *number, *ended),
            Happening::Check { broken } => self.check(random, day, *broken),
            Happening::Event(kind) => {
                let of_lead =
                    matches!(kind, EventKind::Migration | EventKind::LeadDamage | EventKind::ConnectionFailure);
                let of_generator = matches!(kind, EventKind::IpgSitePain | EventKind::CommunicationError);
                let lead = self.leads.first().map(|(id, _)| *id).filter(|_| of_lead);
                let generator = self.generator.map(|(id, _)| id).filter(|_| of_generator);
                self.event(day, *kind, lead.into_iter().chain(generator).collect());
            }
            Happening::NewLead => {
                // The one that moved or broke is the first; the new one takes its place.
                let is_paddle = self.leads.first().is_some_and(|(_, contacts)| *contacts == device::PADDLE);
                if self.leads.is_empty() {
                    return;
                }
                let (old, _) = self.leads.remove(0);
                self.event(day, EventKind::Revision, vec![old]);
                self.surgery("ZDS03", day);
                self.lead(random, day, 0, is_paddle);
                self.leads.rotate_right(1);
            }
            Happening::NewGenerator => {
                let Some((old, _)) = self.generator else { return };
                self.event(day, EventKind::Revision, vec![old]);
                self.surgery("ZDS03", day);
                self.generator(random, day);
            }
            Happening::Explant => {
                let all = self.leads.iter().map(|(id, _)| *id).chain(self.generator.map(|(id, _)| id)).collect();
                self.event(day, EventKind::Explant, all);
                self.surgery("ZDS04", day);
            }
        }
    }

    fn event(&mut self, happened_on: Date, event: EventKind, component_ids: Vec<EntryId>) {
        self.line.add(&ImplantEvent { implant_id: self.implant, happened_on, event, component_ids, note: None });
    }

    fn programme(&mut self, random: &mut Random, set_on: Date, number: i32, ended_on: Option<Date>) {
        let offered: Vec<_> = SETTINGS.iter().filter(|setting| self.story.maker.offers(setting.waveform)).collect();
        let Some(Setting { waveform, hertz, microseconds, amplitude }) = random.any(&offered).copied() else { return };
        let draw = |random: &mut Random, (least, most): (i32, i32)| random.between(least, most);
        let hertz = draw(random, *hertz);
        // Odd but possible, and remarked upon.
        let is_odd = random.chance(UNUSUAL) && *waveform == Waveform::Tonic;
        let cycles = *waveform != Waveform::TenKhz && random.chance(0.1);
        let leads = self.leads.iter().map(|(component_id, contacts)| LeadContacts {
            component_id: *component_id,
            polarity: polarity(random, *contacts),
        });
        let leads = leads.collect();
        let volts = self.story.maker.keeps_voltage;
        self.line.add(&ImplantProgramme {
            implant_id: self.implant,
            set_on,
            ended_on,
            number,
            waveform: *waveform,
            leads,
            amplitude: Some(Decimal::new(i64::from(draw(random, *amplitude)), 1).normalize()),
            amplitude_unit: Some(if volts { AmplitudeUnit::Volt } else { AmplitudeUnit::Milliampere }),
            pulse_width_us: Some(draw(random, *microseconds) / 10 * 10),
            frequency_hz: Some(Decimal::from(if is_odd { 10 } else { hertz })),
            cycle_on_s: cycles.then_some(60),
            cycle_off_s: cycles.then_some(120),
            usage_hours: Some(Decimal::from(random.pick(&[(0.6, 24), (0.2, 18)], 12))),
            relief_percent: Some(random.between(4, 17) * 5),
            coverage_percent: (*waveform == Waveform::Tonic).then(|| random.between(10, 20) * 5),
        });
        if number > 1 && random.chance(0.5) {
            procedure(self.line, self.episode, ProcedureSystem::Ncmp, "ZDSC01", set_on, Some(self.patient.place));
        }
    }

    fn check(&mut self, random: &mut Random, checked_on: Date, broken: bool) {
        let mut impedances = Vec::new();
        for (at, (component_id, contacts)) in self.leads.iter().enumerate() {
            let dead = (broken && at == 0).then(|| random.between(1, *contacts));
            impedances.extend((1..=*contacts).map(|contact| Impedance {
                component_id: *component_id,
                contact,
                ohm: if dead == Some(contact) { 12_000 } else { whole(random.log_normal(550.0, 0.25)) / 10 * 10 },
            }));
        }
        let age = self.generator.map_or(0, |(_, since)| calendar::days(since, checked_on));
        let percent =
            if self.story.is_rechargeable { random.between(35, 100) } else { (100 - age * 100 / CELL.1).clamp(5, 100) };
        let is_due = !self.story.is_rechargeable && age > CELL.0;
        self.line.add(&ImplantCheck {
            implant_id: self.implant,
            checked_on,
            battery: Some(if is_due { Battery::ReplacementDue } else { Battery::Normal }),
            battery_percent: Some(percent),
            impedances,
        });
    }

    pub(super) fn visit(&mut self, held_on: Date, team: &Team) {
        self.line.add(&Consultation {
            episode_id: Some(self.episode),
            held_on,
            sequence: Sequence::FollowUp,
            mode: Mode::Physical,
            attendance: Attendance::Attended,
            professionals: team.pair(),
        });
    }
}

/// Two cathodes between anodes somewhere on the lead.
fn polarity(random: &mut Random, contacts: i32) -> String {
    let at = random.between(0, (contacts - 3).max(0));
    (0..contacts)
        .map(|contact| match contact - at {
            0 | 2 => '+',
            1 => '-',
            _ => '0',
        })
        .collect()
}
