-- Reviews of the last onefile_weeks_of_reviews weeks that somebody has not signed, or has signed late; only learners
-- in learning.
-- Needs: the streams assessors, classrooms, employers, iqas, learner_statuses, learners, observers, organisations,
-- placements, reviews and trainee_assessors.
-- Made from the models in examples/dbt/, which say what it means; docs/dbt.md explains them.
with staged_reviews as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as review_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    case when cast("ScheduledFor" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("ScheduledFor" as timestamp) end as scheduled_for,
    nullif(cast("LearnerID" as bigint), 0) as learner_id,
    nullif(cast("AssessorID" as bigint), 0) as assessor_id,
    nullif(cast("EmployerID" as bigint), 0) as employer_id,
    cast("Status" as bigint) as status_id,
    cast("Progress" as double precision) as progress,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("StartedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("StartedOn" as timestamp) end as started_on,
    case when cast("AssessorSignedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("AssessorSignedOn" as timestamp) end as assessor_signed_on,
    case when cast("LearnerSignedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LearnerSignedOn" as timestamp) end as learner_signed_on,
    case when cast("EmployerSignedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("EmployerSignedOn" as timestamp) end as employer_signed_on,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.reviews
where _sdc_deleted_at is null
),
staged_learners as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as learner_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    nullif(cast("ClassroomID" as bigint), 0) as classroom_id,
    nullif(cast("DefaultAssessorID" as bigint), 0) as assessor_id,
    nullif(cast("DefaultEmployerID" as bigint), 0) as employer_id,
    nullif(cast("LearnerStatusID" as bigint), 0) as status_id,
    nullif(cast("EpisodeName" as TEXT), '') as episode_name,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    case when cast("PlannedEndDate" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("PlannedEndDate" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as planned_end,
    cast("Progress" as double precision) as progress,
    nullif(cast("CentreRegister" as TEXT), '') as centre_register,
    nullif(cast("ULN" as TEXT), '') as uln,
    nullif(cast("NINO" as TEXT), '') as nino,
    case when cast("DOB" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("DOB" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as date_of_birth,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.learners
where _sdc_deleted_at is null
),
staged_organisations as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.organisations
where _sdc_deleted_at is null
),
staged_learner_statuses as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as status_id,
    cast("OrganisationID" as bigint) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.learner_statuses
where _sdc_deleted_at is null
),
staged_trainee_assessors as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as trainee_assessor_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.trainee_assessors
where _sdc_deleted_at is null
),
staged_assessors as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as assessor_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.assessors
where _sdc_deleted_at is null
),
staged_iqas as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as iqa_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.iqas
where _sdc_deleted_at is null
),
staged_employers as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as employer_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.employers
where _sdc_deleted_at is null
),
staged_observers as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as observer_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.observers
where _sdc_deleted_at is null
),
all_people as (
with everyone as (
    select
        customer, learner_id as user_id, organisation_id, role as role_id,
        'learner' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_learners
    union all
    select
        customer, trainee_assessor_id as user_id, organisation_id, role as role_id,
        'trainee assessor' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_trainee_assessors
    union all
    select
        customer, assessor_id as user_id, organisation_id, role as role_id,
        'assessor' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_assessors
    union all
    select
        customer, iqa_id as user_id, organisation_id, role as role_id,
        'IQA' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_iqas
    union all
    select
        customer, employer_id as user_id, organisation_id, role as role_id,
        'employer' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_employers
    union all
    select
        customer, observer_id as user_id, organisation_id, role as role_id,
        'observer' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from staged_observers
),
-- Some have an account in several organisations, and whoever changed roles may still stand in the table of the old one.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, user_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, role_id, organisation_id
        ) as place
    from everyone
)
select
    numbered.customer,
    numbered.user_id,
    numbered.organisation_id,
    organisations.name as organisation,
    numbered.role_id,
    numbered.role,
    nullif(trim(coalesce(numbered.first_name, '') || ' ' || coalesce(numbered.last_name, '')), '') as name,
    numbered.email,
    numbered.placement_id
from numbered
left join staged_organisations as organisations
    on numbered.customer = organisations.customer and numbered.organisation_id = organisations.organisation_id
where numbered.place = 1
),
staged_placements as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as placement_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.placements
where _sdc_deleted_at is null
),
staged_classrooms as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as classroom_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    nullif(cast("Name" as TEXT), '') as name,
    nullif(cast("MISID" as TEXT), '') as misid,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    "Archive" as archive,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started
from tap_onefile.classrooms
where _sdc_deleted_at is null
),
all_presence as (
with everyone as (
select
    cast('tap_onefile' as TEXT) as customer,
    cast("ID" as bigint) as learner_id,
    nullif(cast("OrganisationID" as bigint), 0) as organisation_id,
    cast("Role" as bigint) as role,
    nullif(cast("Username" as TEXT), '') as username,
    nullif(cast("FirstName" as TEXT), '') as first_name,
    nullif(cast("LastName" as TEXT), '') as last_name,
    nullif(cast("Email" as TEXT), '') as email,
    nullif(cast("MISID" as TEXT), '') as misid,
    nullif(cast("Telephone" as TEXT), '') as telephone,
    nullif(cast("MobileNumber" as TEXT), '') as mobile_number,
    nullif(cast("HomeAddress" as TEXT), '') as home_address,
    nullif(cast("WorkAddress" as TEXT), '') as work_address,
    nullif(cast("CompanyName" as TEXT), '') as company_name,
    nullif(cast("Website" as TEXT), '') as website,
    nullif(cast("PlacementID" as bigint), 0) as placement_id,
    nullif(cast("ProviderID" as bigint), 0) as provider_id,
    case when cast("CreatedOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("CreatedOn" as timestamp) end as created_on,
    case when cast("LastModified" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("LastModified" as timestamp) end as last_modified,
    nullif(cast("ClassroomID" as bigint), 0) as classroom_id,
    nullif(cast("DefaultAssessorID" as bigint), 0) as assessor_id,
    nullif(cast("DefaultEmployerID" as bigint), 0) as employer_id,
    nullif(cast("LearnerStatusID" as bigint), 0) as status_id,
    nullif(cast("EpisodeName" as TEXT), '') as episode_name,
    case when cast("StartOn" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("StartOn" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as started,
    case when cast("PlannedEndDate" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("PlannedEndDate" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as planned_end,
    cast("Progress" as double precision) as progress,
    nullif(cast("CentreRegister" as TEXT), '') as centre_register,
    nullif(cast("ULN" as TEXT), '') as uln,
    nullif(cast("NINO" as TEXT), '') as nino,
    case when cast("DOB" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast((cast("DOB" as timestamp)) at time zone 'UTC' at time zone 'Europe/London' as date) end as date_of_birth,
    case when cast("_sdc_batched_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_batched_at" as timestamp) end as loaded_at,
    cast("_sdc_sync_started_at" as bigint) as run_started,
    case when cast("_sdc_deleted_at" as timestamp) >= cast('1901-01-01 00:00:00' as timestamp) then cast("_sdc_deleted_at" as timestamp) end as deleted_at
from tap_onefile.learners
),
runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from everyone
    group by customer
),
organisation_runs as (
    select customer, max(run_started) as run_started, max(loaded_at) as loaded_at
    from staged_organisations
    group by customer
),
judged as (
    select
        everyone.*,
        organisations.name as organisation,
        everyone.deleted_at is null and (
            everyone.run_started < runs.run_started
            or (runs.run_started is null and everyone.loaded_at <
    runs.loaded_at + ((interval '1 hour') * (-12))
)
        ) as is_missing,
        -- Learners of organisations that the run left out cannot be judged.
        organisation_runs.customer is null or not (
            coalesce(organisations.run_started < organisation_runs.run_started, false)
            or coalesce(organisations.loaded_at <
    organisation_runs.loaded_at + ((interval '1 hour') * (-12))
, false)
        ) as was_looked_for
    from everyone
    inner join runs on everyone.customer = runs.customer
    left join organisation_runs on everyone.customer = organisation_runs.customer
    left join staged_organisations as organisations
        on everyone.customer = organisations.customer and everyone.organisation_id = organisations.organisation_id
),
counted as (
    select
        customer,
        count(case when deleted_at is null and was_looked_for then 1 end) as looked_for,
        count(case when is_missing and was_looked_for then 1 end) as missing,
        count(loaded_at) as dated
    from judged
    group by customer
),
answers as (
    select
        *,
        case
            when dated = 0 then 'The tables do not say when each row was loaded: add_metadata_columns of the loader is off.'
            when missing > greatest(5, 10 * looked_for / 100.0)
                then 'The last load was not a full one: it found '
                    || cast(looked_for - missing as TEXT) || ' of '
                    || cast(looked_for as TEXT) || ' learners again.'
        end as refusal
    from counted
)
select
    judged.customer,
    judged.learner_id,
    judged.first_name,
    judged.last_name,
    judged.misid,
    judged.organisation,
    judged.loaded_at,
    judged.deleted_at,
    answers.refusal,
    answers.refusal is null and coalesce(judged.is_missing, false) and judged.was_looked_for as is_gone
from judged
inner join answers on judged.customer = answers.customer
),
onefile_learners as (
with everyone as (
    select customer, learner_id, organisation_id, first_name, last_name, email, misid, uln, date_of_birth, episode_name, status_id, assessor_id, employer_id, placement_id, classroom_id, started, planned_end, progress, created_on, last_modified, loaded_at, run_started, false as is_archived from staged_learners
),
-- Whoever was archived after a load still stands among the others.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, learner_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, is_archived desc
        ) as place
    from everyone
),
named as (
    select
        learners.*,
        nullif(trim(coalesce(learners.first_name, '') || ' ' || coalesce(learners.last_name, '')), '') as learner,
        organisations.name as organisation,
        statuses.name as status,
        assessors.name as assessor,
        employers.name as employer,
        placements.name as placement,
        classrooms.name as classroom,
        coalesce(lower(trim(statuses.name)) in ('break', 'break in learning', 'on break'), false) as on_break,
        coalesce(lower(trim(statuses.name)) in ('achieved', 'archive', 'archived', 'completed', 'failed', 'left', 'transferred', 'withdrawn'), false) or learners.is_archived or coalesce(presence.is_gone, false)
            as has_left,
        not learners.is_archived and coalesce(presence.is_gone, false) as is_gone
    from numbered as learners
    left join staged_organisations as organisations
        on learners.customer = organisations.customer and learners.organisation_id = organisations.organisation_id
    left join staged_learner_statuses as statuses
        on learners.customer = statuses.customer
        and learners.organisation_id = statuses.organisation_id
        and learners.status_id = statuses.status_id
    left join all_people as assessors
        on learners.customer = assessors.customer and learners.assessor_id = assessors.user_id
    left join all_people as employers
        on learners.customer = employers.customer and learners.employer_id = employers.user_id
    left join staged_placements as placements
        on learners.customer = placements.customer and learners.placement_id = placements.placement_id
    left join staged_classrooms as classrooms
        on learners.customer = classrooms.customer and learners.classroom_id = classrooms.classroom_id
    left join all_presence as presence
        on learners.customer = presence.customer and learners.learner_id = presence.learner_id
    where learners.place = 1
)
select
    customer, learner_id, learner, first_name, last_name, email, misid, uln, date_of_birth, organisation_id, organisation,
    status_id, status, not has_left and not on_break as in_learning, on_break and not has_left as on_break, is_archived, is_gone,
    episode_name, started, planned_end, round(cast(progress as numeric(28, 6)), 2) as progress, assessor_id, assessor, employer_id,
    employer, placement_id, placement, classroom_id, classroom, created_on, last_modified, loaded_at
from named
),
onefile_reviews as (
with dated as (
    select
        *,
        cast((scheduled_for) at time zone 'UTC' at time zone 'Europe/London' as date) as scheduled_on,
        cast((started_on) at time zone 'UTC' at time zone 'Europe/London' as date) as held_on,
        cast(round(abs(extract(epoch from learner_signed_on) - extract(epoch from assessor_signed_on)) / 60) as integer) as minutes_apart
    from staged_reviews
),
judged as (
    select
        dated.customer,
        dated.review_id,
        dated.learner_id,
        learners.learner,
        learners.organisation,
        learners.status,
        coalesce(learners.in_learning, false) as in_learning,
        -- A review has no assessor until one has signed.
        coalesce(dated.assessor_id, learners.assessor_id) as assessor_id,
        coalesce(dated.employer_id, learners.employer_id) as employer_id,
        dated.scheduled_on,
        dated.held_on,
        case
            when dated.employer_signed_on is not null then 'signed by the employer'
            when dated.learner_signed_on is not null then 'signed by the learner'
            when dated.assessor_signed_on is not null then 'signed by the assessor'
            when dated.started_on is not null then 'started'
            else 'scheduled'
        end as stage,
        case
            when dated.started_on is not null then null
            when dated.scheduled_on < cast(current_timestamp at time zone 'Europe/London' as date) then 'overdue'
            when dated.scheduled_on >= cast(current_timestamp at time zone 'Europe/London' as date) then 'due'
        end as due,
        case
            when dated.started_on is null and dated.scheduled_on < cast(current_timestamp at time zone 'Europe/London' as date)
                then (
        ((cast(current_timestamp at time zone 'Europe/London' as date))::date - (dated.scheduled_on)::date)
    )
        end as days_overdue,
        dated.assessor_signed_on as assessor_signed,
        dated.learner_signed_on as learner_signed,
        dated.employer_signed_on as employer_signed,
        case
            when dated.started_on is null then null
            when dated.assessor_signed_on is null and dated.learner_signed_on is null then 'nobody has signed'
            when dated.assessor_signed_on is null then 'the assessor has not signed'
            when dated.learner_signed_on is null then 'the learner has not signed'
            when
                dated.learner_signed_on >
    dated.assessor_signed_on + ((interval '1 minute') * (30))
                then 'the learner signed late'
            when
                dated.assessor_signed_on >
    dated.learner_signed_on + ((interval '1 minute') * (30))
                then 'the assessor signed late'
        end as reason,
        dated.minutes_apart,
        case when dated.started_on is not null then dated.employer_signed_on is not null end as has_employer_signed,
        round(cast(dated.progress as numeric(28, 6)), 1) as progress
    from dated
    left join onefile_learners as learners
        on dated.customer = learners.customer and dated.learner_id = learners.learner_id
)
select
    judged.customer, judged.review_id, judged.learner_id, judged.learner, judged.organisation, judged.status,
    judged.in_learning, judged.assessor_id, assessors.name as assessor, judged.employer_id, employers.name as employer,
    judged.scheduled_on, judged.held_on, judged.stage, judged.due, judged.days_overdue, judged.assessor_signed,
    judged.learner_signed, judged.employer_signed, judged.reason, judged.minutes_apart, judged.has_employer_signed,
    judged.progress
from judged
left join all_people as assessors
    on judged.customer = assessors.customer and judged.assessor_id = assessors.user_id
left join all_people as employers
    on judged.customer = employers.customer and judged.employer_id = employers.user_id
)
select
    customer, review_id, learner_id, learner, organisation, status, assessor_id, assessor, employer_id, employer, held_on,
    reason, minutes_apart, has_employer_signed
from onefile_reviews
where in_learning
    and held_on between
    cast(current_timestamp at time zone 'Europe/London' as date) + ((interval '1 day') * (-91))
 and cast(current_timestamp at time zone 'Europe/London' as date)
    and (reason is not null or not has_employer_signed)
ORDER BY held_on, review_id;
